/** What the keys of the dashboard do to its view. */
import { PAGES, columnCount } from './pages.ts';
import type { View } from './screen.ts';

/** The view after the key; `quit` for the keys that end it. Unknown keys change nothing. `page`: lines of a screenful. */
export function viewAfter(key: string, view: View, page: number): View | 'quit' {
  switch (key) {
    case 'q':
    case '\u0003':
    case '\u001b':
      return 'quit';
    case 's':
      return { ...view, sorting: { ...view.sorting, column: (view.sorting.column + 1) % columnCount(view.page) } };
    case 'r':
      return { ...view, sorting: { ...view.sorting, isReversed: !view.sorting.isReversed } };
    case '\t':
      return onPage(view, (PAGES.indexOf(view.page) + 1) % PAGES.length);
    case '\u001b[A':
    case 'k':
      return { ...view, scroll: Math.max(0, view.scroll - 1) };
    case '\u001b[B':
    case 'j':
      return { ...view, scroll: view.scroll + 1 };
    case '\u001b[5~':
      return { ...view, scroll: Math.max(0, view.scroll - page) };
    case '\u001b[6~':
    case ' ':
      return { ...view, scroll: view.scroll + page };
    default:
      return /^[1-9]$/.test(key) && Number(key) <= PAGES.length ? onPage(view, Number(key) - 1) : view;
  }
}

function onPage(view: View, index: number): View {
  const page = PAGES[index]!;
  return page === view.page ? view : { page, sorting: { column: 0, isReversed: false }, scroll: 0 };
}
