/** What is kept about a collection and its loop, as an explanation needs it. */
import type { StateRecord } from "../model/state.ts";
import { ACTIVE } from "./actions.ts";
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import type { WitnessEdge } from "../model/graph.ts";
import {
  INTEGRITY_STATES,
  type IntegrityState,
  type Metrics,
  type Verdict,
} from "../model/problem.ts";

/** Times are seconds since 1970. */
export interface CollectionFacts {
  readonly name: string;
  readonly now: number;
  readonly verdict: Verdict;
  /** Why it is that, without its full stop. */
  readonly sentence: string;
  readonly loop: {
    readonly condition: string;
    readonly stands_still: boolean;
    readonly sentence: string;
    readonly statement: string | null;
    readonly last_failed: boolean;
    readonly last_error: string | null;
  };
  readonly enabled: boolean;
  readonly sample: {
    readonly at: number;
    readonly lambda: number | null;
    readonly source: string;
    readonly witness: readonly WitnessEdge[];
    readonly metrics: Metrics;
    readonly unmeasured: readonly {
      readonly what: string;
      readonly why: string;
      readonly hint: string | null;
    }[];
  } | null;
  readonly state: {
    readonly name: IntegrityState;
    readonly since: number;
    readonly degraded_at: number | null;
    readonly hysteresis: StateRecord;
  } | null;
  /** The newest tick of this very collection that failed since its last sample. */
  readonly failed: { readonly at: number; readonly message: string } | null;
  /** It is set aside: a sentence; whether it is passed over now; what has it served at once. */
  readonly aside: {
    readonly sentence: string;
    readonly passed_over: boolean;
    readonly resume: string;
  } | null;
  /** A session that keeps ticks off it by a transaction left open: a sentence, and what ends it. */
  readonly held: { readonly sentence: string; readonly statement: string } | null;
  readonly active: {
    readonly id: string;
    readonly strategy: string;
    readonly state: string;
    readonly message: string | null;
  } | null;
  readonly refusals: readonly OpenRefusal[];
  readonly recent: readonly RecentAction[];
}

export interface OpenRefusal {
  readonly reason: string;
  readonly problem_class: string;
  readonly measured: unknown;
  readonly flips_at: string;
  /** null: it does not change with a time, or an older version kept the sentence alone. */
  readonly flips_time: number | null;
  readonly message: string;
  readonly count: number;
  readonly first_at: number;
  readonly last_at: number;
}

export interface RecentAction {
  readonly id: string;
  readonly strategy: string;
  readonly problem_class: string;
  readonly state: string;
  readonly at: number;
  readonly message: string | null;
}

type Row = Omit<CollectionFacts, "state"> & {
  readonly state:
    | (Omit<NonNullable<CollectionFacts["state"]>, "name"> & { readonly code: number })
    | null;
};

/** Reads only what the loop has kept: also where the table is gone, and on a standby. */
export function collectionFacts(host: Host, collectionId: number): CollectionFacts {
  const row = host.one<Row>(sql`
    SELECT format('%I.%I', c.schema_name, c.table_name) AS name, extract(epoch
      FROM clock_timestamp())::float8 AS now,
           v.verdict, v.sentence, row_to_json(l) AS loop,
             (ruvector.healing_settings(c.collection_id) ->> 'enabled')::boolean AS enabled,
           (SELECT json_build_object('at', extract(epoch
             FROM s.sampled_at), 'lambda', m.lambda, 'source', m.source, 'witness', m.witness_edges,
                                     'metrics', m.metrics, 'unmeasured', m.unmeasured)
              FROM ruvector.integrity_samples m WHERE m.id = s.sample_id) AS sample,
           CASE WHEN s.collection_id IS NOT NULL THEN
             json_build_object('code', s.state, 'since', extract(epoch
               FROM s.since), 'degraded_at', extract(epoch FROM s.degraded_at),
                               'hysteresis', s.hysteresis) END AS state,
           (SELECT json_build_object('at', extract(epoch FROM e.at), 'message', e.message)
             FROM ruvector.healing_failed_tick(c.collection_id, s.sampled_at) e) AS failed,
           (SELECT json_build_object('sentence', d.sentence, 'passed_over', d.passed_over,
                                     'resume', ruvector.healing_resume_collection(format('%I.%I',
                                       c.schema_name, c.table_name)))
              FROM ruvector.healing_aside(ARRAY[c.collection_id]) d) AS aside,
           (SELECT json_build_object('sentence', h.sentence, 'statement', h.statement)
              FROM ruvector.healing_holders(ARRAY[c.collection_id]) h LIMIT 1) AS held,
           (SELECT json_build_object('id', a.id::text, 'strategy', a.strategy_name, 'state',
             a.state, 'message', a.message)
              FROM ruvector.healing_actions a
             WHERE a.collection_id = c.collection_id
               AND a.state IN (${ACTIVE})) AS active,
           coalesce((SELECT json_agg(json_build_object('reason', r.reason, 'problem_class',
             r.problem_class, 'measured', r.measured, 'flips_at', r.flips_at,
             'flips_time', extract(epoch FROM r.flips_time),
                                     'message', r.message, 'count', r.count, 'first_at',
                                       extract(epoch FROM r.first_at),
                                     'last_at', extract(epoch FROM r.last_at))
                                       ORDER BY r.last_at DESC)
              FROM ruvector.healing_refusals r WHERE r.collection_id = c.collection_id
                AND r.closed_at IS NULL), '[]') AS refusals,
           coalesce((SELECT json_agg(json_build_object('id', a.id::text, 'strategy',
             a.strategy_name, 'problem_class', a.problem_class, 'state', a.state,
                                     'at', extract(epoch FROM a.finished_at), 'message', a.message)
                                       ORDER BY a.id DESC)
              FROM (SELECT * FROM ruvector.healing_actions h
                     WHERE h.collection_id = c.collection_id AND h.finished_at IS NOT NULL
                       ORDER BY h.id DESC LIMIT 3) a), '[]') AS recent
      FROM ruvector.collections c
     CROSS JOIN ruvector.healing_verdicts(ARRAY[${collectionId}::int]) v
     CROSS JOIN ruvector.healing_loop() l
      LEFT JOIN ruvector.integrity_state s ON s.collection_id = c.collection_id
     WHERE c.collection_id = ${collectionId}::int`);
  return {
    ...row,
    state: row.state && { ...row.state, name: INTEGRITY_STATES[row.state.code] ?? "normal" },
  };
}

/** How a collection is now, after an action. */
export interface CollectionNow {
  readonly verdict: Verdict;
  readonly sentence: string;
  /** lambda above which a state is left, and below which there is one. */
  readonly back: number;
  readonly stress: number;
  readonly witness: readonly WitnessEdge[] | null;
  readonly metrics: Metrics | null;
  readonly loop: CollectionFacts["loop"];
  readonly refusal: {
    readonly reason: string;
    readonly message: string;
    readonly flips_at: string;
  } | null;
  /** Nothing was done on the collection since. */
  readonly newest: boolean;
}

/** null: the collection is not registered any more. */
export const collectionNow = (host: Host, { id, collection_id }: Action): CollectionNow | null =>
  host.query<CollectionNow>(sql`
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
