/**
 * A snapshot of a healthy collection for tests of what is made of it: level partitions, everything
 * else quiet or not measured.
 */
import type { Snapshot } from "../../../src/sense/snapshot.ts";

export const quietSnapshot = (changes: Partial<Snapshot> = {}): Snapshot => ({
  collection: "public.t",
  partitions: Array.from({ length: 8 }, (_, n) => ({
    relid: String(n),
    qualified: `public.p${n}`,
    label: `p${n}`,
    kind: "r",
    values: [String(n)],
    rows: 1000,
    bytes: 1,
    heap_bytes: 1,
    live_bytes: null,
    traffic: null,
    blocks_asked: 0,
    cold: false,
    idle: null,
  })),
  rows_source: "exact",
  judges_load: true,
  centroids: [],
  invalid_indexes: [],
  searches: [],
  unused_indexes: [],
  replicas: [],
  maintenance: {
    queue_depth: null,
    jobs_unmeasured: false,
    blocked_writer_seconds: { total: 0, vacuum: 0, index_build: 0, scheduled_job: 0, other: 0 },
    autovacuum_delay: null,
    autovacuum_workers: null,
    autovacuum_max_workers: 3,
    jobs: [],
    blockers: [],
    sessions: [],
    backlog: [],
    cron_run: "0",
  },
  indexes: [],
  memory: {
    cache_bytes: 2 ** 30,
    cache_source: "effective_cache_size",
    shared_buffers_bytes: 2 ** 27,
    observed_seconds: 0,
    table_blocks: 0,
    table_hits: 0,
    evictions_per_second: null,
    temp_bytes_per_second: null,
    system_used_pct: null,
  },
  pushed: {},
  unmeasured: [],
  ...changes,
});
