/**
 * What can be asked of the bundle: one table, of which ruvector.healing_operations() is generated
 * too. What is missing in it cannot be called.
 */
import { endDueLeases, endDuePauses } from "../execute/leases.ts";
import { register } from "../collection/register.ts";
import { unregister } from "./unregister.ts";
import { configure } from "../configuration/configure.ts";
import { STRATEGY_NAMES } from "../strategies/registry.ts";
import type { Host } from "../host/host.ts";
import { tickBatch, tickObserve } from "../loop/tick.ts";
import { explainAction, explainCollection } from "./explain/index.ts";
import { approve, reject } from "./approve-reject.ts";
import { feedback } from "./feedback.ts";
import { abort, execute, rollback, trigger } from "./healing.ts";
import { drift, graph, report, sample } from "./sensing.ts";
import { curves } from "./curves.ts";

/**
 * What a wrapper passes. Names come checked by SQL (ruvector.healing_collection), documents as the
 * user typed them.
 */
export interface Input {
  readonly collection_id: number;
  readonly [key: string]: unknown;
}

export interface Operation {
  /**
   * Whose lock is held while it runs: the collection's that is named, that of the table to be
   * registered (where it is one already), of the action's collection, or that of all settings.
   * none: it only reads, or whoever calls it holds the lock.
   */
  readonly locks: "collection" | "registered" | "action" | "settings" | "none";
  /** What another session's lock leads to after 5 s: error RV008, or an answer that says so. */
  readonly when_busy: "error" | "answer";
  /**
   * Refused where nothing can be written (RV020, 25006). trigger and execute are not: on a standby
   * they answer with the guard's refusal.
   */
  readonly writes: boolean;
  /** The least level that leads to it (sql/rights/levels.sql). */
  readonly level: "viewer" | "operator" | "actuator" | "admin";
  /** Of its arguments. What is kept and read again with every tick must be little. */
  readonly most_bytes: number;
  readonly run: (host: Host, input: Input) => unknown;
}

const MOST_BYTES = 65_536;

const reads = (level: Operation["level"], run: Operation["run"]): Operation => ({
  locks: "none",
  when_busy: "answer",
  writes: false,
  level,
  most_bytes: MOST_BYTES,
  run,
});

const writes = (
  level: Operation["level"],
  locks: Operation["locks"],
  when_busy: Operation["when_busy"],
  run: Operation["run"],
): Operation => ({ locks, when_busy, writes: true, level, most_bytes: MOST_BYTES, run });

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  register: writes("admin", "registered", "error", (host, input) =>
    register(host, String(input["relation"]), input["options"]),
  ),
  unregister: writes("admin", "collection", "error", (host, input) =>
    unregister(host, input.collection_id),
  ),
  configure: writes("admin", "settings", "error", (host, input) =>
    configure(host, input.collection_id, input["settings"], STRATEGY_NAMES),
  ),
  recall_curve: reads("operator", (host, input) =>
    curves(host, input.collection_id, input["index"]),
  ),
  sample: writes("operator", "collection", "error", (host, input) =>
    sample(host, input.collection_id),
  ),
  report: {
    ...writes("actuator", "collection", "error", (host, input) =>
      report(host, input.collection_id, input["report"]),
    ),
    // 10,000 nodes and 100,000 edges. What a tick reads again of it is found once, and little.
    most_bytes: 16_777_216,
  },
  graph: reads("viewer", (host, input) => graph(host, input.collection_id)),
  lambda2: reads("viewer", (host, input) => drift(host, input.collection_id)),
  trigger: {
    ...writes("operator", "collection", "answer", (host, input) =>
      trigger(host, input.collection_id),
    ),
    writes: false,
  },
  execute: {
    ...writes("operator", "collection", "answer", (host, input) =>
      execute(host, input.collection_id, input["strategy"], input["params"]),
    ),
    writes: false,
  },
  rollback: writes("operator", "collection", "answer", (host, input) =>
    rollback(host, input.collection_id, input["action_id"]),
  ),
  approve: writes("operator", "action", "answer", (host, input) =>
    approve(host, input["action_id"]),
  ),
  reject: writes("operator", "action", "answer", (host, input) =>
    reject(host, input["action_id"], input["reason"]),
  ),
  abort: writes("operator", "action", "answer", (host, input) => abort(host, input["action_id"])),
  feedback: writes("operator", "action", "answer", (host, input) =>
    feedback(host, input["action_id"], input["score"], input["note"]),
  ),
  explain: reads("viewer", (host, input) => explainAction(host, input["action_id"])),
  explain_collection: reads("viewer", (host, input) =>
    explainCollection(host, input.collection_id),
  ),
  end_leases: writes("admin", "collection", "answer", (host, input) => ({
    left: endDueLeases(host, input.collection_id, String(input["reason"])),
  })),
  tick_pauses: writes("operator", "none", "answer", (host, input) =>
    endDuePauses(host, input.collection_id),
  ),
  tick_batch: writes("operator", "none", "answer", (host, input) =>
    tickBatch(host, input.collection_id, Number(input["slice_elapsed"])),
  ),
  tick_observe: writes("operator", "none", "answer", (host, input) =>
    tickObserve(host, input.collection_id),
  ),
};
