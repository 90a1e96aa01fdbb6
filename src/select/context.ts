/** Reads what the guards and the selection look at. */
import { breakerFacts } from "../store/breaker.ts";
import { guardFacts } from "../store/guard-facts.ts";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";
import type { Problem } from "../model/problem.ts";
import type { Sample } from "../sense/sample.ts";
import {
  ATTEMPT_WINDOW_SECONDS,
  type GuardContext,
  type GuardMode,
  INEFFECTIVE_WINDOW_SECONDS,
} from "./guards/index.ts";
import { windowNow } from "./window-now.ts";

/** A sample of a collection, and the problem that it was classified as. */
export interface Classified {
  readonly host: Host;
  readonly collection: Collection;
  readonly sample: Sample;
  readonly problem: Problem;
}

export function guardContext(
  { host, collection, sample, problem }: Classified,
  mode: GuardMode,
  strategy: GuardContext["strategy"],
): GuardContext & { readonly planned: null } {
  const facts = guardFacts(host, collection.id, {
    attempts: ATTEMPT_WINDOW_SECONDS,
    outcomes: INEFFECTIVE_WINDOW_SECONDS,
    apart: collection.settings.min_healing_interval_seconds,
  });
  const window = windowNow(host, collection);
  return {
    ...facts,
    mode,
    collection: collection.name,
    breaker: breakerFacts(host),
    settings: collection.settings,
    in_window: window && window.open,
    window,
    lambda: sample.reading.lambda,
    weak_edges: problem.evidence.weak_edges,
    problem_class: problem.details.class,
    strategy,
    planned: null,
    max_active_total: collection.settings.max_active_actions,
  };
}
