/**
 * All choices of a chaos run. Each fault, writer and reader has a generator of its own, made from
 * the run's seed and its name: how many choices one of them makes, which depends on the machine's
 * speed, changes nothing for the others.
 */
import { createHash } from "node:crypto";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

export interface Random {
  /** Both ends included. */
  int(from: number, to: number): number;
  /** 0 to 1, without 1. */
  share(): number;
  chance(probability: number): boolean;
  pick<T>(choices: readonly T[]): T;
  /** One of them, by weight. */
  weighted<T extends { readonly weight: number }>(choices: readonly T[]): T;
  shuffled<T>(values: readonly T[]): T[];
}

export function random(seed: number, ...name: readonly (string | number)[]): Random {
  const generator = xoroshiro128plus(
    createHash("sha256")
      .update([seed, ...name].join("/"))
      .digest()
      .readInt32LE(),
  );
  const int = (from: number, to: number): number => uniformInt(generator, from, to);
  const share = (): number => uniformFloat64(generator);
  return {
    int,
    share,
    chance: (probability) => share() < probability,
    pick: (choices) => {
      if (choices.length === 0) throw new TypeError("there is nothing to pick from");
      return choices[int(0, choices.length - 1)]!;
    },
    weighted: (choices) => {
      let left = share() * choices.reduce((sum, { weight }) => sum + weight, 0);
      return choices.find(({ weight }) => (left -= weight) < 0) ?? choices[choices.length - 1]!;
    },
    shuffled: (values) => {
      const result = [...values];
      for (let place = result.length - 1; place > 0; place--) {
        const other = int(0, place);
        [result[place], result[other]] = [result[other]!, result[place]!];
      }
      return result;
    },
  };
}
