/** What an operator sees when the node stands. */
export type BannerFacts = {
  readonly version: string;
  readonly url: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly schedulers: number;
  readonly durability: 'flushed' | 'written';
};

/** Whoever waits for a broker waits for this text: Testcontainers' RabbitMQ modules look for it in the output. */
export const COMPLETE_LINE = 'Server startup complete';

export function formatBanner(facts: BannerFacts): string {
  return [
    `Leveret ${facts.version}`,
    `  listening   ${facts.url}`,
    `  data        ${facts.dataDir}`,
    `  schedulers  ${facts.schedulers}`,
    `  durability  ${facts.durability}`,
    COMPLETE_LINE,
    '',
  ].join('\n');
}
