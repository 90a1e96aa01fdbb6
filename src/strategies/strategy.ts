/**
 * What a strategy is. Each lives in its own folder under `strategies/`; `registry.ts` lists them.
 */
import type * as z from "zod/mini";
import type { Host } from "../host/host.ts";
import type {
  Action,
  Bound,
  Change,
  NewStep,
  Plan,
  PreflightCheck,
  Progress,
  Step,
  UndoResult,
} from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import type { Radius } from "../model/cost.ts";
import type { Lease } from "../model/lease.ts";
import type { MeasurementKind } from "../model/measured.ts";
import type { IntegrityState, Problem, ProblemClass } from "../model/problem.ts";
import type { Snapshot } from "../sense/snapshot.ts";

/** A strategy's own keys in the params of `ruvector_healing_execute`, each with its schema. */
/** Made when they are asked for: a tick that begins nothing parses no zod. */
export type ParamsSchema = () => Readonly<Record<string, z.ZodMiniType>>;

export type Params<S extends ParamsSchema> = {
  readonly [Key in keyof ReturnType<S>]: z.output<ReturnType<S>[Key]>;
};

export interface PlanRequest<S extends ParamsSchema = ParamsSchema> {
  readonly host: Host;
  readonly collection: Collection;
  readonly snapshot: Snapshot;
  /**
   * What the classifier found; of class unknown where a human asked for the strategy by name on a
   * healthy collection.
   */
  readonly problem: Problem;
  readonly state: IntegrityState;
  /** What the caller of `ruvector_healing_execute` gave, already parsed with `params`. */
  readonly params: Params<S>;
  /**
   * What is left of the blast radius. A plan that can do less stays within it (`trim`); one that
   * cannot is refused by its guard.
   */
  readonly radius: Radius;
  /** Seconds between two ticks, as far as known: what a plan's duration is made of. */
  readonly tick_seconds: number;
}

/** There is nothing this strategy could do now. */
export interface NothingToDo {
  readonly nothing: string;
  readonly hint: string;
  /** What is sick is none that the strategy mends: another one knows what stands in the way. */
  readonly beside?: true;
}

export interface BatchContext<P extends Plan = Plan, G extends Progress = Progress> {
  readonly host: Host;
  readonly collection: Collection;
  readonly action: Action<P, G>;
}

export interface BatchResult<G extends Progress = Progress, C extends Change = Change> {
  /** Nothing is left to do. */
  readonly done: boolean;
  readonly steps: readonly NewStep<C>[];
  readonly progress: G;
  /** What it waits for (a job, an answer): nothing more can be done before the next tick. */
  readonly waiting?: string;
}

/** A change without its journal: like ones are told as one. */
export type Described<C extends Change> = C extends Change ? Pick<C, "kind" | "details"> : never;

/**
 * `P`, `G` and `C` are the strategy's own plan, progress and kinds of changes, `S` the schemas of
 * its params. What the engine hands it (an action, a step) is what the strategy itself made: the
 * engine keeps them as JSON, and looks at what all of them have.
 */
export interface Strategy<
  P extends Plan = Plan,
  G extends Progress = Progress,
  C extends Change = Change,
  S extends ParamsSchema = ParamsSchema,
> {
  readonly name: string;
  readonly handles: readonly ProblemClass[];
  /** 0 to 1, higher is more disruptive. */
  readonly impact: number;
  readonly reversible: boolean;
  /** One sentence for `docs` and `explain`. */
  readonly description: string;
  /** Its own keys in the params of `ruvector_healing_execute`, beside dry_run and target_lambda. */
  readonly params: S;
  /** The progress of an action that has not begun. */
  readonly start: G;
  applicable(collection: Collection): true | { readonly reason: string; readonly hint: string };
  /** Foresees the action. Pure but for what it reads. */
  plan(request: PlanRequest<S>): P | NothingToDo;
  /**
   * What of its plan an approval is given for, beside the problem's components and the rows;
   * docs/control.md.
   */
  boundTo?(plan: P): Bound;
  /** One bounded change, inside a subtransaction; what it returns is journaled with it. */
  executeBatch(context: BatchContext<P, G>): BatchResult<G, C>;
  /**
   * Takes back a step, or a part of it. Where the strategy is not reversible: clears up what a step
   * that was cut short left behind (a job, an invalid index).
   */
  undoStep(context: BatchContext<P, G>, step: Step<C>): UndoResult<C["journal"][number]>;
  /**
   * Kinds of steps that are undone for themselves where rows may not be moved back: what new rows
   * meet (routes).
   */
  readonly undoneApart?: readonly C["kind"][];
  /** What must be in order on the server; none where it hardly writes and waits for nobody. */
  readonly preflight: readonly PreflightCheck[];
  /**
   * Measurements its effect shows in: they are taken anew, not from memory, when an action of it is
   * judged.
   */
  readonly remeasures: readonly MeasurementKind[];
  /**
   * What steps of one kind and the same details did, for `explain`: "moved 500 rows from a to b".
   */
  describeStep(change: Described<C>, rows: number): string;
  /**
   * What it changes beside the problem itself: partitions that take rows (labels), and indexes that
   * are built anew. What searches there find and cost is measured before it begins, and must not be
   * worse when it is verified. Without it: nothing that its undo would give back.
   */
  reaches?(plan: P): {
    readonly partitions: readonly string[];
    readonly indexes: readonly string[];
  };
  /**
   * Where lambda rose although the action did next to nothing of what it foresaw (it was foreseen
   * wrongly, and what it is measured by began anew): what it did.
   */
  inVain?(action: Action<P, G>): string | null;
  /** Progress for people, while it executes; without it rows moved of rows planned. */
  describeProgress?(action: Action<P, G>): string;
  /**
   * What could not be taken back because something else has its place, for the message of an undo;
   * without it rows are meant.
   */
  describeConflicts?(conflicts: number): string;
  /** What was not there any more to be taken back; without it rows are meant. */
  describeGone?(gone: number): string;
  /**
   * false: nothing it does can lower lambda (it takes load away, for a while). What lowers lambda
   * meanwhile is the problem itself, and no reason to undo a slice. Verification judges it all the
   * same.
   */
  readonly mayWorsen?: boolean;
  /**
   * Whether it may be stopped where it stands, with what it did so far left for verification.
   * Without it: always. Asked when its blast radius is used up.
   */
  mayStop?(action: Action<P, G>): boolean;
  /** What actions of it that ended leave to be looked at later. Called once a tick. */
  clearUp?(host: Host, collection: Collection): void;
  /**
   * What they leave to be dropped later (an old index that was kept until verified). The last thing
   * in a tick: what it locks is free again at once, and not when all has been measured.
   */
  dropLater?(host: Host, collection: Collection): void;
  /**
   * Strategies that grant leases: puts back what one changed. false: in part; the next tick goes
   * on, what is done stays done.
   */
  endLease?(host: Host, lease: Lease): boolean | void;
}

export const isPlan = <P extends Plan>(plan: P | NothingToDo): plan is P => !("nothing" in plan);

/** The action as its strategy knows it: what it has not written yet is as it was at the start. */
export const knownTo = ({ start }: Strategy, action: Action): Action => ({
  ...action,
  progress: { ...start, ...action.progress },
});
