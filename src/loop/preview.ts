/** What the loop would decide on a sample, whatever stands in the way of it. */
import { classify } from "../classify/classify.ts";
import type { Host } from "../host/host.ts";
import type { Plan } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import type { Problem } from "../model/problem.ts";
import type { Considered } from "../model/selection.ts";
import { everyRefusal, type Refusal } from "../select/guards/index.ts";
import type { RefusalRecord } from "../store/refusals.ts";
import type { Sample } from "../sense/sample.ts";
import { evaluate } from "./evaluate.ts";

export interface Preview {
  readonly problem: Problem;
  readonly considered: readonly Considered[];
  readonly strategy: string | null;
  readonly plan: Plan | null;
  /** Every guard that speaks against it now, in order. */
  readonly refusals: readonly Refusal[];
  /** Why there is no plan, where no guard is the reason. */
  readonly empty: RefusalRecord | null;
  /** Why it would wait for a human; null: it would not, or a guard stands before it. */
  readonly approval_required: string | null;
}

/** Decides as the loop would, and changes nothing: for explanations. */
export function preview(host: Host, collection: Collection, sample: Sample): Preview {
  const problem = classify(sample.reading.witness, sample.metrics, sample.topology);
  const { chosen, considered, verdict, plan, refusal, context, held } = evaluate({
    host,
    collection,
    sample,
    problem,
    wanted: { origin: "loop", strategy: null, params: { dry_run: true } },
  });
  const refusals = everyRefusal(context);
  return {
    problem,
    considered,
    strategy: chosen?.name ?? held?.strategy ?? null,
    plan: plan ?? held?.plan ?? null,
    refusals,
    approval_required: verdict.approval_required,
    empty: refusal && !refusals.some(({ reason }) => reason === refusal.reason) ? refusal : null,
  };
}
