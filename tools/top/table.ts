/** A table that keeps to the width of a terminal: the columns that matter least go first, and long names are cut. */
export type Column<Row> = {
  readonly title: string;
  text(row: Row): string;
  /** What rows are sorted by; numbers from high to low. */
  order(row: Row): number | string;
  /** The one column of names, which takes the room that is left. */
  readonly isName?: boolean;
  /** Columns with higher numbers are left out first. */
  readonly importance: number;
};

/** No narrower than this is a name of use. */
const NAME_WIDTH_MIN = 12;
const GAP = '  ';

/** The title and the rows, each at most `width` columns wide. */
export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number, sortedBy: string): string[] {
  const texts = new Map(columns.map((column) => [column, rows.map((row) => column.text(row))]));
  const titleOf = (column: Column<Row>): string => (column.title === sortedBy ? `${column.title}*` : column.title);
  const widthOf = (column: Column<Row>): number => Math.max(titleOf(column).length, ...texts.get(column)!.map((text) => text.length));
  let shown = [...columns];
  const fixedWidth = (): number => shown.filter(({ isName }) => isName !== true).reduce((sum, column) => sum + widthOf(column) + GAP.length, 0);
  while (fixedWidth() + NAME_WIDTH_MIN > width && shown.length > 1) {
    const least = shown.filter(({ isName }) => isName !== true).toSorted((one, other) => other.importance - one.importance)[0];
    if (least === undefined) break;
    shown = shown.filter((column) => column !== least);
  }
  const nameWidth = Math.max(1, width - fixedWidth());
  const line = (cell: (column: Column<Row>) => string): string =>
    shown
      .map((column) => {
        if (column.isName !== true) return cell(column).padStart(widthOf(column));
        return cut(cell(column), Math.min(nameWidth, widthOf(column))).padEnd(Math.min(nameWidth, widthOf(column)));
      })
      .join(GAP)
      .slice(0, width)
      .trimEnd();
  return [line(titleOf), ...rows.map((_row, index) => line((column) => texts.get(column)![index]!))];
}

/** Rows in the order of a column. */
export function sorted<Row>(rows: readonly Row[], { order }: Column<Row>, isReversed: boolean): Row[] {
  const ordered = rows.toSorted((one, other) => {
    const [a, b] = [order(one), order(other)];
    if (typeof a === 'string' || typeof b === 'string') return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
    return b - a;
  });
  return isReversed ? ordered.reverse() : ordered;
}

/** What a client names its things must not move the cursor. */
export function cut(text: string, width: number): string {
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
  return plain.length <= width ? plain : `${plain.slice(0, Math.max(0, width - 1))}…`;
}
