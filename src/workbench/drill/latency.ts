/**
 * What healing costs the workload: a writer and a searcher on connections of their own, their times
 * kept by phase. The same fault is first left alone for a while (the collection's settings hold the
 * loop back), then healed, so that both are measured side by side.
 */
import { type Failures, loop, pause, percentile, type Running } from "../load.ts";
import type { Stage } from "./drill.ts";
import { DIMENSIONS } from "./table.ts";

/**
 * Before the fault; the fault with the loop held back; while an action is at work; after its end.
 */
const PHASES = ["healthy", "fault", "healing", "healed"] as const;
export type Phase = (typeof PHASES)[number];

export interface Latency {
  readonly phase: Phase;
  readonly reads: number;
  readonly writes: number;
  /** Milliseconds, of single statements. */
  readonly read_p50: number | null;
  readonly read_p99: number | null;
  readonly write_p50: number | null;
  readonly write_p99: number | null;
}

/** Times are compared with the fault left alone: healing may at most double its p99. */
export const BOUND_RATIO = 2;
/**
 * Below it nobody is hurt: lock_timeout_ms (200 by default), the longest that a writer waits behind
 * the loop, and one batch.
 */
export const BOUND_MS = 250;

export interface Probe {
  enter(phase: Phase): void;
  summary(): readonly Latency[];
}

interface Times extends Failures {
  readonly reads: Map<Phase, number[]>;
  readonly writes: Map<Phase, number[]>;
}

/**
 * Between two statements of each, milliseconds: often enough for a p99, rarely enough not to be the
 * load itself.
 */
const REST_MS = 50;
/** Rows of this tenant come and go: they are not among those that must be there at the end. */
export const PROBE_TENANT = "probe";
/** Ids of the probe's own rows: above those of all drills. */
const FIRST_ID = 800_000_000;

/** Runs a statement, and keeps how long it took. */
type Timed = (into: Map<Phase, number[]>, work: () => Promise<unknown>) => Promise<void>;

const VECTOR = `array_fill(0.5::real, ARRAY[${DIMENSIONS}])::vector`;

/** Starts both; they end with the drill, their errors are counted with those of its load. */
export async function startProbe(stage: Stage): Promise<Probe> {
  const empty = () => new Map(PHASES.map((one): [Phase, number[]] => [one, []]));
  const times: Times = { errors: {}, reads: empty(), writes: empty() };
  let phase: Phase = "healthy";
  const timed: Timed = async (into, work) => {
    const [during, began] = [phase, performance.now()];
    try {
      await work();
    } finally {
      // One that failed took its time as well; one that went on into the next phase says nothing of
      // either.
      if (during === phase) into.get(during)!.push(performance.now() - began);
    }
  };
  const writer = await startWriter(stage, times, timed);
  const searcher = await startSearcher(stage, times, timed);
  stage.background(writer);
  // The same counter of errors: counted once.
  stage.atEnd(() => searcher.stop());
  return {
    enter: (next) => {
      phase = next;
    },
    summary: () => PHASES.map((one) => latencyOf(one, times)),
  };
}

/** A row comes and goes, each time in another partition. */
async function startWriter(
  { client, server, table }: Stage,
  times: Times,
  timed: Timed,
): Promise<Running<Failures>> {
  const { rows } = await client.query<{ key: number }>(
    `SELECT DISTINCT partition_id AS key FROM ${table} ORDER BY 1`,
  );
  const keys = rows.map(({ key }) => key);
  let turn = 0;
  return loop(
    server.url(),
    times,
    async (other) => {
      const id = FIRST_ID + turn;
      const key = keys[turn++ % keys.length];
      await timed(times.writes, () =>
        other.query(
          `INSERT INTO ${table} (id, partition_id, tenant_id, seen_at, payload, embedding) ` +
            `VALUES ($1, $2, '${PROBE_TENANT}', now(), 'x', ${VECTOR})`,
          [id, key],
        ),
      );
      await pause(REST_MS);
      // By id alone: the loop may have moved the row.
      await timed(times.writes, () => other.query(`DELETE FROM ${table} WHERE id = $1`, [id]));
    },
    REST_MS,
  );
}

const startSearcher = (
  { server, table }: Stage,
  times: Times,
  timed: Timed,
): Promise<Running<Failures>> =>
  loop(
    server.url(),
    times,
    async (other) => {
      await timed(times.reads, () =>
        other.query(`SELECT id FROM ${table} ORDER BY embedding <-> ${VECTOR} LIMIT 10`),
      );
    },
    REST_MS,
  );

function latencyOf(phase: Phase, times: Times): Latency {
  const [reads, writes] = [times.reads.get(phase)!, times.writes.get(phase)!];
  return {
    phase,
    reads: reads.length,
    writes: writes.length,
    read_p50: percentile(reads, 0.5),
    read_p99: percentile(reads, 0.99),
    write_p50: percentile(writes, 0.5),
    write_p99: percentile(writes, 0.99),
  };
}

/**
 * What went beyond the bound; null: nothing did. Writes under a throttle are held back on purpose:
 * they have no bound but the throttle's own.
 */
export function beyondBound(latencies: readonly Latency[], throttled: boolean): string | null {
  const of = (phase: Phase) => latencies.find((one) => one.phase === phase);
  const [alone, healing] = [of("fault"), of("healing")];
  if (!alone || !healing) return null;
  for (const [kind, before, during] of [
    ["reads", alone.read_p99, healing.read_p99],
    ["writes", alone.write_p99, healing.write_p99],
  ] as const) {
    if (kind === "writes" && throttled) continue;
    if (before === null || during === null || during <= Math.max(BOUND_MS, BOUND_RATIO * before))
      continue;
    return (
      `p99 of ${kind} was ${during} ms while it healed, ${before} ms with the fault left ` +
      `alone: more than ${BOUND_RATIO} times as much and more than ${BOUND_MS} ms`
    );
  }
  return null;
}
