/**
 * Which member a key belongs to, in proportion to the members' weights, such that a member that comes or goes moves only its own
 * share of the keys (weighted rendezvous hashing, Thaler and Ravishankar 1998): every member draws a number for the key, a hash of
 * both, and the highest bid gets it. Nothing but the names and weights counts, not the order in which they came: threads, and a
 * node after its restart, agree without a word.
 *
 * A choice takes time in the number of members, some nanoseconds each; the logarithm that weights need is taken once a weight, not
 * once a member, because among equals the highest draw has the highest bid.
 */
import { hashOfText, scatter } from './text-hash.ts';

type Member<Value> = { readonly name: string; readonly salt: number; readonly factor: number; readonly value: Value };
type WeightClass<Value> = { readonly weight: number; readonly members: Member<Value>[] };

const KEY_BASIS = 0;
const SALT_BASIS = 1;
const FACTOR_BASIS = 2;
const DRAWS = 0x1_0000_0000;

export class WeightedChoice<Value> {
  readonly #classes: WeightClass<Value>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** `name` is not in it yet; `weight` is positive. */
  add(name: string, weight: number, value: Value): void {
    let among = this.#classes.find((known) => known.weight === weight);
    if (among === undefined) {
      among = { weight, members: [] };
      this.#classes.push(among);
    }
    among.members.push({ name, salt: hashOfText(name, SALT_BASIS), factor: hashOfText(name, FACTOR_BASIS) | 1, value });
    this.#size++;
  }

  remove(name: string): void {
    for (const [place, { members }] of this.#classes.entries()) {
      const at = members.findIndex((member) => member.name === name);
      if (at < 0) continue;
      members.splice(at, 1);
      if (members.length === 0) this.#classes.splice(place, 1);
      this.#size--;
      return;
    }
  }

  /** The member that the key belongs to; undefined when there is none. */
  choose(key: string): Value | undefined {
    const hash = hashOfText(key, KEY_BASIS);
    let best: Value | undefined;
    let highest = -Infinity;
    for (const { weight, members } of this.#classes) {
      let first: Member<Value> | undefined;
      let draw = -1;
      for (let index = 0; index < members.length; index++) {
        const member = members[index] as Member<Value>;
        const drawn = scatter(Math.imul(hash ^ member.salt, member.factor));
        if (drawn <= draw) continue;
        draw = drawn;
        first = member;
      }
      const bid = Math.log((draw + 0.5) / DRAWS) / weight;
      if (bid <= highest) continue;
      highest = bid;
      best = first?.value;
    }
    return best;
  }
}
