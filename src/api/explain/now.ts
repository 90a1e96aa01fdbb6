/**
 * How the collection of an action is now: better is not well, and what is left is named with what
 * will be done about it.
 */
import sql from "sql-template-tag";
import { labelsOf } from "../../graph/labels.ts";
import type { Host } from "../../host/host.ts";
import type { Action } from "../../model/action.ts";
import type { WitnessEdge } from "../../model/graph.ts";
import type { Metrics, Verdict } from "../../model/problem.ts";
import { edges } from "./evidence.ts";
import { message } from "./layout.ts";

export interface Now {
  readonly verdict: Verdict;
  readonly sentence: string;
  /** lambda above which a state is left, and below which there is one. */
  readonly back: number;
  readonly stress: number;
  readonly witness: readonly WitnessEdge[] | null;
  readonly metrics: Metrics | null;
  readonly loop: { readonly condition: string; readonly sentence: string };
  readonly refusal: {
    readonly reason: string;
    readonly message: string;
    readonly flips_at: string;
  } | null;
  /** Nothing was done on the collection since. */
  readonly newest: boolean;
}

/** null: the collection is not registered any more. */
export const nowOf = (host: Host, { id, collection_id }: Action): Now | null =>
  host.query<Now>(sql`
    SELECT v.verdict, v.sentence, m.witness_edges AS witness, m.metrics, row_to_json(l) AS loop,
           (t.s ->> 'stress_threshold')::float8 AS stress,
             (t.s ->> 'stress_threshold')::float8 + (t.s ->> 'recovery_margin')::float8 AS back,
           (SELECT json_build_object('reason', r.reason, 'message', r.message, 'flips_at',
             r.flips_at) FROM ruvector.healing_refusals r
             WHERE r.collection_id = v.collection_id AND r.closed_at IS NULL
               ORDER BY r.last_at DESC LIMIT 1) AS refusal,
           NOT EXISTS (SELECT FROM ruvector.healing_actions a
             WHERE a.collection_id = v.collection_id AND a.id > ${id}::bigint) AS newest
      FROM ruvector.healing_verdicts(ARRAY[${collection_id}::int]) v
     CROSS JOIN (SELECT ruvector.healing_settings(${collection_id}::int) AS s) t
     CROSS JOIN ruvector.healing_loop() l
      LEFT JOIN ruvector.integrity_state s USING (collection_id)
      LEFT JOIN ruvector.integrity_samples m ON m.id = s.sample_id`)[0] ?? null;

/** Whether an action brought lambda to where the collection is well. */
export const broughtBack = ({ initial_state, final_lambda }: Action, now: Now | null): boolean =>
  now === null ||
  final_lambda === null ||
  (initial_state > 0 ? final_lambda > now.back : final_lambda >= now.stress);

const SICK: readonly Verdict[] = ["critical", "stress", "suspect"];

export function standing(now: Now | null): string[] {
  if (now === null || !now.newest) return [];
  const lines = [`It is ${now.verdict}: ${message(now.sentence)}.`];
  if (!SICK.includes(now.verdict)) return lines;
  return [
    ...lines,
    ...edges(
      now.witness ?? [],
      labelsOf({ ...now.metrics, partitions: now.metrics?.partitions ?? [] } as Metrics),
    ),
    next(now),
  ];
}

function next({ verdict, loop, refusal }: Now): string {
  if (loop.condition !== "running") return message(loop.sentence, 400) + ".";
  if (refusal)
    return (
      `Nothing is done about it now because of ${refusal.reason}: ${message(refusal.message)}. ` +
      `This changes with: ${message(refusal.flips_at)}.`
    );
  return verdict === "suspect"
    ? "Nothing is done about it before it is confirmed."
    : "The next tick decides what is done about it.";
}
