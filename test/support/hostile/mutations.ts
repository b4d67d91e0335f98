/** Ways to spoil a recorded session, each with the codes that a broker may answer it with. */
import type { Random } from './random.ts';

/** Codes that close a connection when a frame is broken, when a method comes in the wrong place, and when it asks for too much. */
const HARD = [501, 502, 503, 504, 505, 506, 530, 540] as const;
/** Codes that close a channel. */
const SOFT = [403, 404, 405, 406] as const;
export const ANY_CODE: readonly number[] = [...HARD, ...SOFT];

export type Mutation = {
  readonly name: string;
  /** Codes of `connection.close` and `channel.close` that may follow. */
  readonly codes: readonly number[];
  /** `frames[0]` is the protocol header. Answers what is sent instead. */
  spoil(frames: Buffer[], random: Random): Buffer[];
};

const copy = (frames: readonly Buffer[]): Buffer[] => frames.map((frame) => Buffer.from(frame));

/** A place among the frames, mostly behind the handshake. */
function place(frames: readonly Buffer[], random: Random): number {
  if (frames.length > 4 && random.chance(85)) return random.between(4, frames.length - 1);
  return random.below(frames.length);
}

function frameAt(frames: Buffer[], random: Random): Buffer {
  return frames[Math.max(1, place(frames, random))]!;
}

const CHANNELS = [0, 1, 2, 3, 255, 256, 2047, 2048, 65_535];
const SIZES = [0, 1, 7, 8, 0x7f, 0xff, 4096, 131_064, 131_072, 131_073, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

export const MUTATIONS: readonly Mutation[] = [
  { name: 'nothing', codes: [403, 404, 405, 406, 540, 530], spoil: (frames) => frames },
  {
    name: 'flipped bits',
    codes: ANY_CODE,
    spoil: (frames, random) => {
      const spoilt = copy(frames);
      for (let flips = random.between(1, 4); flips > 0; flips--) {
        const frame = spoilt[place(spoilt, random)]!;
        frame[random.below(frame.length)]! ^= 1 << random.below(8);
      }
      return spoilt;
    },
  },
  {
    name: 'hostile octets',
    codes: ANY_CODE,
    spoil: (frames, random) => {
      const spoilt = copy(frames);
      const frame = frameAt(spoilt, random);
      for (let writes = random.between(1, 3); writes > 0; writes--) {
        frame[random.between(7, frame.length - 1)] = random.pick([0, 1, 0x7f, 0x80, 0xc0, 0xff]);
      }
      return spoilt;
    },
  },
  {
    name: 'cut short',
    codes: [403, 404, 405, 406, 540, 530],
    spoil: (frames, random) => {
      const all = Buffer.concat(frames);
      return [all.subarray(0, random.below(all.length))];
    },
  },
  {
    name: 'octets gone',
    codes: ANY_CODE,
    spoil: (frames, random) => {
      const all = Buffer.concat(frames);
      const from = random.below(all.length);
      return [all.subarray(0, from), all.subarray(from + random.between(1, 40))];
    },
  },
  {
    name: 'octets more',
    codes: ANY_CODE,
    spoil: (frames, random) => {
      const all = Buffer.concat(frames);
      const at = random.below(all.length);
      return [all.subarray(0, at), random.bytes(random.between(1, 40)), all.subarray(at)];
    },
  },
  {
    name: 'another order',
    codes: ANY_CODE,
    spoil: (frames, random) => {
      const spoilt = [...frames];
      for (let swaps = random.between(1, 6); swaps > 0; swaps--) {
        const one = place(spoilt, random);
        const other = place(spoilt, random);
        [spoilt[one], spoilt[other]] = [spoilt[other]!, spoilt[one]!];
      }
      return spoilt;
    },
  },
  {
    name: 'twice',
    codes: ANY_CODE,
    spoil: (frames, random) => {
      const spoilt = [...frames];
      for (let times = random.between(1, 4); times > 0; times--) {
        spoilt.splice(place(spoilt, random), 0, spoilt[place(spoilt, random)]!);
      }
      return spoilt;
    },
  },
  {
    name: 'left out',
    codes: ANY_CODE,
    spoil: (frames, random) => {
      const spoilt = [...frames];
      spoilt.splice(place(spoilt, random), random.between(1, 3));
      return spoilt;
    },
  },
  {
    name: 'another size',
    codes: ANY_CODE,
    spoil: (frames, random) => {
      const spoilt = copy(frames);
      const frame = frameAt(spoilt, random);
      const size = random.chance(50) ? random.pick(SIZES) : frame.readUInt32BE(3) + random.between(-3, 3);
      if (frame.length >= 8) frame.writeUInt32BE(Math.max(0, size), 3);
      return spoilt;
    },
  },
  {
    name: 'another inner length',
    codes: ANY_CODE,
    spoil: (frames, random) => {
      const spoilt = copy(frames);
      const frame = frameAt(spoilt, random);
      if (frame.length < 16) return spoilt;
      const at = random.between(7, frame.length - 5);
      if (random.chance(50)) frame.writeUInt32BE(random.pick(SIZES), at);
      else frame[at] = random.below(256);
      return spoilt;
    },
  },
  {
    name: 'another channel',
    codes: ANY_CODE,
    spoil: (frames, random) => {
      const spoilt = copy(frames);
      frameAt(spoilt, random).writeUInt16BE(random.pick(CHANNELS), 1);
      return spoilt;
    },
  },
  {
    name: 'every frame on another channel',
    codes: ANY_CODE,
    spoil: (frames, random) => {
      const spoilt = copy(frames);
      for (const frame of spoilt.slice(4)) if (random.chance(30)) frame.writeUInt16BE(random.pick(CHANNELS), 1);
      return spoilt;
    },
  },
  {
    name: 'another frame type',
    codes: [...ANY_CODE],
    spoil: (frames, random) => {
      const spoilt = copy(frames);
      frameAt(spoilt, random)[0] = random.pick([0, 1, 2, 3, 4, 5, 8, 9, 206, 255]);
      return spoilt;
    },
  },
  {
    name: 'another end',
    codes: [501, ...SOFT, 540, 530],
    spoil: (frames, random) => {
      const spoilt = copy(frames);
      const frame = frameAt(spoilt, random);
      frame[frame.length - 1] = random.pick([0, 0xcd, 0xcf, 0xff]);
      return spoilt;
    },
  },
  {
    name: 'another method',
    codes: ANY_CODE,
    spoil: (frames, random) => {
      const spoilt = copy(frames);
      const frame = frameAt(spoilt, random);
      if (frame[0] !== 1 || frame.length < 12) return spoilt;
      frame.writeUInt16BE(random.pick([0, 10, 20, 30, 40, 50, 60, 70, 85, 90, 110]), 7);
      frame.writeUInt16BE(random.pick([0, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51, 60, 70, 71, 80, 90, 100, 110, 111, 120]), 9);
      return spoilt;
    },
  },
  {
    name: 'interleaved with itself',
    codes: ANY_CODE,
    spoil: (frames, random) => {
      const spoilt = frames.slice(0, 4);
      const tail = frames.slice(4);
      const other = copy(tail);
      for (const frame of other) if (frame.readUInt16BE(1) === 1) frame.writeUInt16BE(2, 1);
      while (tail.length > 0 || other.length > 0) {
        const from = random.chance(50) ? tail : other;
        const frame = from.shift();
        if (frame !== undefined) spoilt.push(frame);
      }
      return spoilt;
    },
  },
];
