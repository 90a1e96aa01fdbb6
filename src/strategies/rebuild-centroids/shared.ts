/** What the parts of rebuild_centroids share: where an action stands, and how it refuses. */
import type { BuildOptions, RebuildPlan, Target } from "./target.ts";
import type { Host } from "../../host/host.ts";
import type { Progress, NewStep, UndoResult } from "../../model/action.ts";
import { HealingError } from "../../base/errors.ts";
import type { Memory } from "../../sense/collect/kept-index.ts";
import type { BatchContext, BatchResult } from "../strategy.ts";
import type { SearchCost } from "../../verify/searches.ts";
import { type IndexFacts, indexFacts } from "./indexes.ts";

/** What an index was measured at, before or after. */
export interface Found {
  readonly recall: number;
  readonly skew: number | null;
  readonly samples: number;
  readonly probes: number;
  readonly recall_error?: number | null;
  readonly index_ms: number | null;
}

/** Searches by the old index while it was the only one. */
export interface OldSearches {
  readonly blocks: readonly number[] | null;
  readonly searches_ms: readonly number[];
  readonly takes: string | null;
  readonly index_name: string;
  readonly probes: number;
}

export type Stage =
  | "begin"
  | "building"
  | "dropping"
  | "swapping"
  | "reindexing"
  | "clearing"
  | "exchanging";

export interface RebuildProgress extends Progress {
  readonly target: number;
  /** Which of the target's numbers of lists is being tried. */
  readonly attempt: number;
  readonly stage: Stage;
  readonly job: string | null;
  readonly built: string | null;
  readonly before: Found | null;
  /**
   * What its searches cost before the new one was there: the planner may take that one whatever it
   * is told (the same lists on fewer pages).
   */
  readonly searched?: OldSearches | null;
  readonly after: Found | null;
  readonly rebuilt: number;
  /** Parts of a whole index that wait for the others: the built index by the target's place. */
  readonly ready: Readonly<Record<number, string>>;
  /** What searches cost by the old index and by the new one, of each that was built and stays. */
  readonly costs: readonly {
    readonly index: string;
    readonly whole: string | null;
    readonly before: SearchCost;
    readonly after: SearchCost;
  }[];
  /** Why an index stayed as it was. */
  readonly kept: readonly string[];
  /** Before a REINDEX: other INVALID indexes of its table. */
  readonly known?: readonly string[];
  /** What it waits for; absent: for nothing. */
  readonly note?: string;
}

/** Seconds that a build may take: what was planned, and never less than pg_cron needs to begin. */
export const buildDeadline = ({ plan }: { readonly plan: RebuildPlan }): number =>
  Math.max(120, plan.estimated_duration_seconds);

interface Kept {
  readonly index: string;
  readonly name: string;
  /** The old one, under its new name. */
  readonly kept: string;
  readonly heap: string;
  /** Oid of the new one. */
  readonly oid: string;
}

/** Of a partitioned table's index: the parts with it. */
export interface Exchange extends Kept {
  readonly parts: readonly Pick<Kept, "index" | "name" | "kept">[];
}

/** What this strategy journals. */
export type Rebuilt =
  | {
      readonly kind: "build_index";
      readonly details: {
        readonly index: string;
        readonly built: string;
        readonly options: BuildOptions;
      };
      readonly journal: readonly { readonly built: string }[];
    }
  | {
      readonly kind: "reindex";
      readonly details: {
        readonly index: string;
        readonly lists: number;
        readonly oid: string;
        /** Other INVALID indexes of its table that were there before; older versions kept none. */
        readonly known?: readonly string[];
      };
      /** Its lists before. */
      readonly journal: readonly { readonly lists: number }[];
    }
  | {
      readonly kind: "swap_index";
      readonly details: Kept & {
        readonly built: string;
        readonly before: Found | null;
        readonly after: Found | null;
      };
      /** What was remembered of the old one. */
      readonly journal: readonly { readonly memory: Memory[string] | null }[];
    }
  | {
      readonly kind: "swap_whole";
      readonly details: Exchange;
      readonly journal: readonly { readonly memory: Memory }[];
    };

/** Those of one kind. */
export type RebuiltAs<Kind extends Rebuilt["kind"]> = Extract<Rebuilt, { readonly kind: Kind }>;

export type RebuildContext = BatchContext<RebuildPlan, RebuildProgress>;

export type RebuildResult = BatchResult<RebuildProgress, Rebuilt>;

export const START: RebuildProgress = {
  rows: 0,
  target: 0,
  attempt: 0,
  stage: "begin",
  job: null,
  built: null,
  before: null,
  searched: null,
  after: null,
  rebuilt: 0,
  ready: {},
  costs: [],
  kept: [],
};

export const wait = (
  progress: RebuildProgress,
  waiting: string,
  steps: readonly NewStep<Rebuilt>[] = [],
): RebuildResult => ({ done: false, steps, progress: { ...progress, note: waiting }, waiting });

export const go = (
  { note: _over, ...progress }: RebuildProgress,
  steps: readonly NewStep<Rebuilt>[] = [],
): RebuildResult => ({
  done: progress.done === true,
  steps,
  progress,
});

export const NOTHING_LEFT: UndoResult<never> = { remaining: [], undone: 0, gone: 0, conflicts: 0 };

/**
 * An index as the plan has it. @throws HealingError where somebody dropped, replaced or broke it
 * meanwhile, or gave its table's name to another table
 */
export function present(host: Host, target: Target): IndexFacts {
  const facts = indexFacts(host, target.oid);
  if (facts && target.way === "beside" && facts.whole)
    throw refused(
      `${target.index} is a part of ${facts.whole.index} by now: it cannot be exchanged alone`,
      "The next evaluation plans anew.",
    );
  if (facts && facts.valid && facts.index === target.index && facts.heap === target.heap)
    return facts;
  throw refused(
    `${target.index} is not the index any more that the plan was made for`,
    "The next evaluation plans anew.",
  );
}

export const refused = (message: string, hint: string): HealingError =>
  new HealingError("remedy_refused", message, { hint });
