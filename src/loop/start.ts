import { weakEdges } from "../graph/witness.ts";
import type { Collection } from "../model/collection.ts";
import type { Sample } from "../sense/sample.ts";
import type { ActionStart } from "../store/actions.ts";
import { ailing, partsOf } from "../verify/parts.ts";

/** What an action begins with, of the sample it was decided on. */
export const startOf = ({ settings }: Collection, sample: Sample): ActionStart => ({
  lambda: sample.reading.lambda,
  state: sample.state,
  witness: weakEdges(sample.reading.witness),
  metrics: { ...sample.metrics, health: ailing(partsOf(sample.snapshot, settings)) },
  degraded_at: sample.degraded_at,
});
