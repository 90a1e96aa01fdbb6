/** The arms beside each other: work done, and what searches found and cost for it. */
import { mean, rounded } from "../recall/figures.ts";
import { type Arm, ARMS, type Method, METHODS } from "./arms.ts";
import type { Look } from "./look.ts";

export interface Point extends Look {
  readonly day: number;
  readonly arm: Arm;
  readonly method: Method;
  readonly index_mb: number;
}

export interface Row {
  readonly index: Method;
  readonly care: string;
  readonly rebuilds: number;
  readonly build_seconds: number;
  readonly vacuums: number;
  readonly vacuum_seconds: number;
  readonly mean_recall: number;
  readonly lowest_recall: number;
  /** Days on which recall was below 0.95 of that of the index that is rebuilt every night. */
  readonly days_below: number;
  /** The longest run of such days. */
  readonly longest_below: number;
  readonly mean_blocks: number;
  /** The most of any day over those of the nightly rebuild's. */
  readonly blocks_ratio: number;
  readonly index_mb: number;
}

const DUE = 0.95;

export const NAMES: Readonly<Record<Arm, string>> = {
  loop: "the loop",
  none: "none",
  nightly: "REINDEX every night",
  bloat: "REINDEX above 30 % bloat",
};

/** By itself: VACUUM has its turn in all arms, what is counted is what an arm asked for beyond. */
export type Worked = Pick<Row, "rebuilds" | "build_seconds" | "vacuums" | "vacuum_seconds">;
export const workKey = (arm: Arm, method: Method): string => `${arm} ${method}`;

export function summary(points: readonly Point[], work: Readonly<Record<string, Worked>>): Row[] {
  return METHODS.flatMap((method) =>
    ARMS.map((arm) => {
      const mine = points.filter((point) => point.arm === arm && point.method === method);
      const fresh = points.filter((point) => point.arm === "nightly" && point.method === method);
      const below = mine.map(({ recall }, i) => recall < DUE * fresh[i]!.recall);
      let run = 0;
      const runs = below.map((one) => (run = one ? run + 1 : 0));
      const worked = work[workKey(arm, method)]!;
      return {
        index: method,
        care: NAMES[arm],
        rebuilds: worked.rebuilds,
        build_seconds: rounded(worked.build_seconds, 1),
        vacuums: worked.vacuums,
        vacuum_seconds: rounded(worked.vacuum_seconds, 1),
        mean_recall: rounded(mean(mine.map(({ recall }) => recall)), 3),
        lowest_recall: rounded(Math.min(...mine.map(({ recall }) => recall)), 3),
        days_below: below.filter(Boolean).length,
        longest_below: Math.max(0, ...runs),
        mean_blocks: rounded(mean(mine.map(({ blocks }) => blocks)), 0),
        blocks_ratio: rounded(
          Math.max(...mine.map(({ blocks }, i) => blocks / fresh[i]!.blocks)),
          2,
        ),
        index_mb: rounded(mine.at(-1)!.index_mb, 1),
      };
    }),
  );
}
