/** Names of operations, as the SQL wrappers call them, and what they run. */
import { endDueLeases, endDuePauses } from "../execute/leases.ts";
import { register } from "../collection/register.ts";
import { unregister } from "./unregister.ts";
import { configure } from "../configuration/configure.ts";
import { STRATEGY_NAMES } from "../strategies/registry.ts";
import type { Host } from "../host/host.ts";
import { tickBatch, tickObserve } from "../loop/tick.ts";
import { explainAction, explainCollection } from "./explain/index.ts";
import { approve, reject } from "./approval.ts";
import { feedback } from "./feedback.ts";
import { abort, execute, rollback, trigger } from "./healing.ts";
import { graph, report, sample } from "./sensing.ts";

/**
 * What a wrapper passes. Names come checked by SQL (ruvector.healing_collection), documents as the
 * user typed them.
 */
export interface Input {
  readonly collection_id: number;
  readonly [key: string]: unknown;
}

export const OPERATIONS: Readonly<Record<string, (host: Host, input: Input) => unknown>> = {
  register: (host, input) => register(host, String(input["relation"]), input["options"]),
  unregister: (host, input) => unregister(host, input.collection_id),
  configure: (host, input) =>
    configure(host, input.collection_id, input["settings"], STRATEGY_NAMES),
  sample: (host, input) => sample(host, input.collection_id),
  report: (host, input) => report(host, input.collection_id, input["report"]),
  graph: (host, input) => graph(host, input.collection_id),
  trigger: (host, input) => trigger(host, input.collection_id),
  execute: (host, input) => execute(host, input.collection_id, input["strategy"], input["params"]),
  rollback: (host, input) => rollback(host, input.collection_id, input["action_id"]),
  approve: (host, input) => approve(host, input["action_id"]),
  reject: (host, input) => reject(host, input["action_id"], input["reason"]),
  abort: (host, input) => abort(host, input["action_id"]),
  feedback: (host, input) => feedback(host, input["action_id"], input["score"], input["note"]),
  end_leases: (host, input) => ({
    left: endDueLeases(host, input.collection_id, String(input["reason"])),
  }),
  tick_pauses: (host, input) => endDuePauses(host, input.collection_id),
  explain: (host, input) => explainAction(host, input["action_id"]),
  explain_collection: (host, input) => explainCollection(host, input.collection_id),
  tick_batch: (host, input) => tickBatch(host, input.collection_id, Number(input["slice_elapsed"])),
  tick_observe: (host, input) => tickObserve(host, input.collection_id),
};
