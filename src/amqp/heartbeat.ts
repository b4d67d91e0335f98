/**
 * Heartbeats of one connection, as a machine that is asked twice in an interval (RabbitMQ guide "Detecting Dead TCP
 * Connections with Heartbeats"): whoever has sent nothing since the last time sends a heartbeat; a peer from which nothing
 * came for two intervals is gone. Any octets count.
 */
export const HeartbeatStep = { nothing: 0, send: 1, gone: 2 } as const;
export type HeartbeatStep = (typeof HeartbeatStep)[keyof typeof HeartbeatStep];

/** Asks without an octet from the peer after which it is gone: two intervals. */
const SILENT_STEPS_MAX = 4;

export class Heartbeat {
  /** Time between two asks, milliseconds; 0 when heartbeats are off. */
  stepMs = 0;
  #sent = false;
  #received = true;
  #silentSteps = 0;

  /** Octets left for the peer. */
  sent(): void {
    this.#sent = true;
  }

  /** Octets came from the peer. */
  received(): void {
    this.#received = true;
  }

  /** What to do now. A peer that is not being read cannot be heard: then its silence does not count. */
  step(reading: boolean): HeartbeatStep {
    if (this.#received || !reading) this.#silentSteps = 0;
    else if (++this.#silentSteps >= SILENT_STEPS_MAX) return HeartbeatStep.gone;
    this.#received = false;
    const due = !this.#sent;
    this.#sent = false;
    return due ? HeartbeatStep.send : HeartbeatStep.nothing;
  }
}
