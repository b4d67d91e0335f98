/** The options of RabbitMQ's PerfTest under their own names, short and long; which of them are carried out here, and which cannot be. */

export type Flag = {
  readonly short: string;
  readonly long: string;
  /** `none`: a switch. `one`: a value. `many`: values up to the next option, and the option may stand again. `maybe`: a value or none. */
  readonly takes: 'none' | 'one' | 'many' | 'maybe';
  readonly meaning: string;
  /**
   * `refused`: what is measured would not be what was asked for; `meaning` says why. `idle`: makes no difference here. `asks`: it
   * is a question, and nothing is measured.
   */
  readonly standing?: 'refused' | 'idle' | 'asks';
};

function flag(short: string, long: string, takes: Flag['takes'], meaning: string, standing?: Flag['standing']): Flag {
  return { short, long, takes, meaning, ...(standing === undefined ? {} : { standing }) };
}

export const FLAGS = {
  id: flag('d', 'id', 'one', 'name of the run in its lines'),
  uri: flag('h', 'uri', 'one', 'the broker (default amqp://localhost)'),
  uris: flag('H', 'uris', 'one', 'several addresses, separated by commas; each connection takes one of them'),
  connectionAllocation: flag('cal', 'connection-allocation', 'one', 'which one: random (default) or round-robin'),
  type: flag('t', 'type', 'one', 'type of the exchange (default direct)'),
  exchange: flag('e', 'exchange', 'maybe', 'the exchange (default: called as its type); amq.default or nothing: the default one'),
  queue: flag('u', 'queue', 'one', 'queues, separated by commas (default: one for each consumer, named by the broker)'),
  routingKey: flag('k', 'routing-key', 'one', 'routing key (default: a random one for the run)'),
  randomRoutingKey: flag('K', 'random-routing-key', 'none', 'a random routing key for each message'),
  routingKeyCache: flag('rkcs', 'routing-key-cache-size', 'one', 'so many random routing keys, in turn'),
  skipBinding: flag('sb', 'skip-binding-queues', 'none', 'do not bind queues to the exchange'),
  interval: flag('i', 'interval', 'one', 'seconds between two lines (default 1)'),
  rate: flag('r', 'rate', 'one', 'messages a second of each producer'),
  consumerRate: flag('R', 'consumer-rate', 'one', 'messages a second of each consumer'),
  producers: flag('x', 'producers', 'one', 'producers (default 1)'),
  consumers: flag('y', 'consumers', 'one', 'consumers (default 1)'),
  producerChannels: flag('X', 'producer-channel-count', 'one', 'channels of each producer (default 1)'),
  consumerChannels: flag('Y', 'consumer-channel-count', 'one', 'channels of each consumer (default 1)'),
  slowStart: flag('S', 'slow-start', 'none', 'a second between the starts of consumers'),
  producerTransaction: flag('m', 'ptxsize', 'one', 'a producer commits after so many messages'),
  consumerTransaction: flag('n', 'ctxsize', 'one', 'a consumer commits after so many messages'),
  confirm: flag('c', 'confirm', 'one', 'publisher confirms, so many outstanding at most'),
  confirmTimeout: flag('ct', 'confirm-timeout', 'one', 'seconds that a confirm may take', 'idle'),
  autoAck: flag('a', 'autoack', 'none', 'automatic ack'),
  multiAckEvery: flag('A', 'multi-ack-every', 'one', 'one ack with multiple=true for so many messages'),
  qos: flag('q', 'qos', 'one', 'prefetch of each consumer'),
  globalQos: flag('Q', 'global-qos', 'one', 'prefetch of each channel'),
  size: flag('s', 'size', 'one', 'bytes of a body, at least 12'),
  time: flag('z', 'time', 'one', 'seconds to run (default: until Ctrl-C)'),
  producerMessages: flag('C', 'pmessages', 'one', 'messages of each producer'),
  consumerMessages: flag('D', 'cmessages', 'one', 'messages of each consumer'),
  flags: flag('f', 'flag', 'many', 'persistent, mandatory'),
  frameMax: flag('M', 'framemax', 'one', 'largest frame that is asked for, bytes (default 131072)'),
  heartbeat: flag('b', 'heartbeat', 'one', 'heartbeats; there are none', 'idle'),
  predeclared: flag('p', 'predeclared', 'none', 'declare only those of the exchange and queues that are not there'),
  body: flag('B', 'body', 'one', 'files whose contents are the bodies, separated by commas'),
  bodyContentType: flag('T', 'body-content-type', 'one', 'content type of the messages'),
  jsonBody: flag('jb', 'json-body', 'none', 'bodies of JSON, of about the size of -s'),
  bodyCount: flag('bc', 'body-count', 'one', 'so many of them are made (default 100)'),
  bodyFieldCount: flag('bfc', 'body-field-count', 'one', 'of so many fields and values (default 1000)'),
  legacyMetrics: flag('l', 'legacy-metrics', 'none', 'these lines are gone from PerfTest too, so there is nothing to compare them with', 'refused'),
  outputFile: flag('o', 'output-file', 'one', 'the figures of each line into a file, as CSV'),
  autoDelete: flag('ad', 'auto-delete', 'one', 'queues go with their last consumer (default true)'),
  useMillis: flag('ms', 'use-millis', 'none', 'latency in milliseconds'),
  queueArguments: flag('qa', 'queue-args', 'many', 'arguments of queues: x-max-length=10,x-queue-mode=lazy'),
  messageProperties: flag('mp', 'message-properties', 'one', 'properties of messages: priority=5,expiration=1000; other names become headers'),
  consumerLatency: flag('L', 'consumer-latency', 'one', 'microseconds that a consumer takes for a message'),
  variableRate: flag('vr', 'variable-rate', 'many', 'rates of producers that follow each other: 100:60 1000:10 (rate:seconds)'),
  variableSize: flag('vs', 'variable-size', 'many', 'sizes of bodies that follow each other: 1000:30 10000:20 (bytes:seconds)'),
  variableLatency: flag('vl', 'variable-latency', 'many', 'times of consumers that follow each other: 1000:60 0:30 (microseconds:seconds)'),
  queuePattern: flag('qp', 'queue-pattern', 'one', 'names of queues in a sequence: queue-%d'),
  queuePatternFrom: flag('qpf', 'queue-pattern-from', 'one', 'first of the sequence'),
  queuePatternTo: flag('qpt', 'queue-pattern-to', 'one', 'last of the sequence'),
  quorumQueue: flag('qq', 'quorum-queue', 'none', 'durable queues of type quorum, persistent messages'),
  queueFile: flag('qf', 'queue-file', 'one', 'a file with names of queues, one a line'),
  maxLengthBytes: flag('mlb', 'max-length-bytes', 'one', 'largest size of a queue: 1000, 50mb, 2gb'),
  leaderLocator: flag('ll', 'leader-locator', 'one', 'there is one node, so a queue has one place', 'idle'),
  streamQueue: flag('sq', 'stream-queue', 'none', 'a stream is read by its offsets, which Leveret has no queues for', 'refused'),
  streamConsumerOffset: flag('sco', 'stream-consumer-offset', 'one', 'a stream is read by its offsets, which Leveret has no queues for', 'refused'),
  streamSegment: flag('smssb', 'stream-max-segment-size-bytes', 'one', 'segments belong to streams, which Leveret does not have', 'refused'),
  maxAge: flag('ma', 'max-age', 'one', 'an age belongs to streams, which Leveret does not have', 'refused'),
  exclusive: flag('E', 'exclusive', 'none', 'exclusive queues, of the connection that consumes them'),
  publishingInterval: flag('P', 'publishing-interval', 'one', 'seconds between two messages of a producer'),
  startDelay: flag('prsd', 'producer-random-start-delay', 'one', 'each producer starts after a random delay of up to so many seconds'),
  polling: flag('po', 'polling', 'none', 'basic.get instead of consumers'),
  pollingInterval: flag('pi', 'polling-interval', 'one', 'milliseconds between two of them (default 0)'),
  nack: flag('na', 'nack', 'none', 'nack instead of ack'),
  requeue: flag('re', 'requeue', 'one', 'whether nacked messages return to their queue (default true)'),
  consumerArguments: flag('ca', 'consumer-args', 'one', 'arguments of consumers: x-priority=10'),
  consumerStartDelay: flag('csd', 'consumer-start-delay', 'one', 'consumers start so many seconds after producers'),
  exitWhen: flag('ew', 'exit-when', 'one', 'ends when consumers have had nothing for a second: idle, or empty if their queues are empty too'),
  schedulerThreads: flag('pst', 'producer-scheduler-threads', 'one', 'threads of the tool', 'idle'),
  heartbeatThreads: flag('hst', 'heartbeat-sender-threads', 'one', 'threads of the tool', 'idle'),
  nioThreads: flag('niot', 'nio-threads', 'one', 'threads of the tool', 'idle'),
  nioPool: flag('niotp', 'nio-thread-pool', 'one', 'threads of the tool', 'idle'),
  consumerPools: flag('ctp', 'consumers-thread-pools', 'one', 'threads of the tool', 'idle'),
  shutdownTimeout: flag('st', 'shutdown-timeout', 'one', 'at the end, so many seconds for the broker to take what was sent (default 5)'),
  noRecovery: flag('dcr', 'disable-connection-recovery', 'none', 'connections are not opened again anyway', 'idle'),
  recoveryInterval: flag('cri', 'connection-recovery-interval', 'one', 'connections are not opened again anyway', 'idle'),
  netty: flag('nty', 'netty', 'none', "Java's sockets", 'idle'),
  nettyThreads: flag('ntyt', 'netty-threads', 'one', "Java's sockets", 'idle'),
  nettyEpoll: flag('ntyep', 'netty-epoll', 'none', "Java's sockets", 'idle'),
  nettyKqueue: flag('ntykq', 'netty-kqueue', 'none', "Java's sockets", 'idle'),
  sendBuffer: flag('tsbs', 'tcp-send-buffer-size', 'one', 'Node has no such setting for a TCP socket', 'refused'),
  receiveBuffer: flag('trbs', 'tcp-receive-buffer-size', 'one', 'Node has no such setting for a TCP socket', 'refused'),
  tls: flag('udsc', 'use-default-ssl-context', 'none', 'this client speaks no TLS', 'refused'),
  saslExternal: flag('se', 'sasl-external', 'none', 'EXTERNAL needs the certificate of a TLS client, and this one speaks no TLS', 'refused'),
  serverName: flag('sni', 'server-name-indication', 'one', 'this client speaks no TLS', 'refused'),
  startupTimeout: flag('sst', 'servers-startup-timeout', 'one', 'waits so many seconds for brokers to be there'),
  serversUpLimit: flag('sul', 'servers-up-limit', 'one', 'so many addresses are enough (default: all)'),
  noDelay: flag('tnd', 'tcp-no-delay', 'one', 'true, as it is without'),
  verbose: flag('verbose', 'verbose', 'none', 'messages are counted as they fly past, and most are never looked at', 'refused'),
  verboseFull: flag('verbose-full', 'verbose-full', 'none', 'messages are counted as they fly past, and most are never looked at', 'refused'),
  tokenEndpoint: flag('o2uri', 'oauth2-token-endpoint', 'one', 'this client speaks no HTTP, so it gets no token; a token that is there may be the password in the address', 'refused'),
  instanceNamespace: flag('isn', 'instance-sync-namespace', 'one', 'several tools would have to find each other through Kubernetes', 'refused'),
  instanceTimeout: flag('ist', 'instance-sync-timeout', 'one', 'several tools would have to find each other through Kubernetes', 'refused'),
  instances: flag('ei', 'expected-instances', 'one', 'several tools would have to find each other through Kubernetes', 'refused'),
  exposedMetrics: flag('em', 'exposed-metrics', 'one', 'the tool has no metrics endpoint to expose them on', 'refused'),
  metricsFormat: flag('mf', 'metrics-format', 'one', 'the form of the lines: default or compact'),
  environment: flag('env', 'environment-variables', 'none', 'lists the variables that stand for these options', 'asks'),
} as const satisfies Readonly<Record<string, Flag>>;

export type FlagName = keyof typeof FLAGS;

/** What a command line gave, by name: the values of each option, none for a switch. */
export type GivenFlags = Partial<Record<FlagName, readonly string[]>>;

export const FLAG_NAMES = Object.keys(FLAGS).filter((name): name is FlagName => Object.hasOwn(FLAGS, name));

/** The option of a word such as `-x`, `--producers`, `-producers`, `--producers=3`; undefined: none of PerfTest's. */
export function flagOf(word: string): { readonly name: FlagName; readonly attached: string | undefined } | undefined {
  const match = /^(--?)([A-Za-z][A-Za-z0-9-]*)(?:=(.*))?$/s.exec(word);
  if (match === null) return attachedValue(word);
  const [, dashes = '', given = '', value] = match;
  const name = FLAG_NAMES.find((one) => FLAGS[one].long === given || (dashes === '-' && FLAGS[one].short === given));
  return name === undefined ? attachedValue(word) : { name, attached: value };
}

/** `-x10`: a value right behind a short name of one letter. */
function attachedValue(word: string): { readonly name: FlagName; readonly attached: string } | undefined {
  const match = /^-([A-Za-z])(\d.*)$/s.exec(word);
  const name = match === null ? undefined : FLAG_NAMES.find((one) => FLAGS[one].short === match[1] && FLAGS[one].takes === 'one');
  return match === null || name === undefined ? undefined : { name, attached: match[2] ?? '' };
}

/** Reads a whole command line. Words that belong to nobody are handed to `other`, which says how many words it took, or 0. */
export function readFlags(argv: readonly string[], other: (index: number) => number): { readonly given: GivenFlags } | { readonly problem: string } {
  const given: GivenFlags = {};
  for (let index = 0; index < argv.length; ) {
    const word = argv[index] ?? '';
    const taken = other(index);
    if (taken > 0) {
      index += taken;
      continue;
    }
    const found = flagOf(word);
    if (found === undefined) return { problem: word.startsWith('-') ? `unknown option ${word}.` : `unexpected argument "${word}".` };
    const { takes, standing } = FLAGS[found.name] as Flag;
    if (standing === 'refused') return { problem: refusal(word, found.name) };
    index += 1;
    const values: string[] = found.attached === undefined ? [] : [found.attached];
    const isValue = (text: string | undefined): text is string => text !== undefined && (!text.startsWith('-') || /^-\d/.test(text));
    while (takes !== 'none' && isValue(argv[index]) && (takes === 'many' || values.length === 0)) {
      values.push(argv[index] ?? '');
      index += 1;
    }
    if (values.length === 0 && (takes === 'one' || takes === 'many')) return { problem: `${word} needs a value: ${FLAGS[found.name].meaning}.` };
    given[found.name] = takes === 'many' ? [...(given[found.name] ?? []), ...values] : values;
  }
  return { given };
}

/** Why an option is not carried out, as one sentence. `word`: as it was given. */
export function refusal(word: string, name: FlagName): string {
  return `${word} is PerfTest's, and cannot be carried out here: ${FLAGS[name].meaning}.`;
}

/** The help text's block of what is refused. */
export function describeRefused(): string {
  const refused = Object.values<Flag>(FLAGS).filter(({ standing }) => standing === 'refused');
  return refused.map(({ short, long, meaning }) => `  ${`-${short}, --${long}`.padEnd(40)} ${meaning}`).join('\n');
}

/** The help text's block. */
export function describeFlags(): string {
  const shownFlags = Object.values<Flag>(FLAGS).filter(({ standing }) => standing === undefined || standing === 'asks');
  return shownFlags.map(({ short, long, meaning }) => `  ${`-${short}, --${long}`.padEnd(37)} ${meaning}`).join('\n');
}
