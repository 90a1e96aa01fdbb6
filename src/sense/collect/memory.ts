/**
 * Memory: how much of it there is to keep blocks in, and what says that it is short. The working
 * set itself is computed from the partitions (assess/memory.ts), so that plans can ask what it
 * would be.
 */
import type { ActivityMemory } from "../activity/memory.ts";
import type { Measured, Unmeasured } from "../../model/measured.ts";
import sql from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import { SqlError } from "../../base/errors.ts";
import type { Collection } from "../../model/collection.ts";
import { lastMeasurement, keepMeasurement } from "../../store/measurements.ts";
import { pushHint } from "./gap.ts";

export interface MemoryMeasurement {
  /** Memory that blocks can be kept in: shared buffers and the operating system's cache. */
  readonly cache_bytes: number;
  /** What cache_bytes comes from. */
  readonly cache_source: "effective_cache_size" | "shared_buffers and MemAvailable";
  readonly shared_buffers_bytes: number;
  /** Seconds of block counts that the working set is made of; 0: none yet. */
  readonly observed_seconds: number;
  /**
   * Blocks of table and TOAST asked for in that time, and how many of them were in shared buffers;
   * all partitions.
   */
  readonly table_blocks: number;
  readonly table_hits: number;
  /**
   * Buffers of the whole server that gave way to others, per second (pg_stat_io); null: not known.
   */
  readonly evictions_per_second: number | null;
  /** Written to temporary files by this database, bytes per second; null: not known. */
  readonly temp_bytes_per_second: number | null;
  /** Memory of the machine that is not available, percent; null: not readable. */
  readonly system_used_pct: number | null;
}

interface Facts {
  readonly at: number;
  readonly shared_buffers: number;
  readonly effective_cache_size: number;
  readonly cache_size_set: boolean;
  readonly temp_bytes: number | null;
  readonly has_io: boolean;
  readonly may_read_files: boolean;
  readonly role: string;
}

/** Counters of the last sample. */
interface Counted {
  readonly at: number;
  readonly temp_bytes: number | null;
  readonly evictions: number | null;
}

const KIND = "memory_counters";

export function measureMemory(
  host: Host,
  collection: Collection,
  activity: ActivityMemory,
): Measured<MemoryMeasurement> {
  const facts = host.one<Facts>(sql`
    SELECT extract(epoch FROM clock_timestamp())::float8 AS at,
           pg_size_bytes(current_setting('shared_buffers'))::float8 AS shared_buffers,
           pg_size_bytes(current_setting('effective_cache_size'))::float8 AS effective_cache_size,
           (SELECT source <> 'default' FROM ruvector.healing_parameters()
             WHERE name = 'effective_cache_size') AS cache_size_set,
           (SELECT temp_bytes::float8 FROM pg_stat_database
             WHERE datname = current_database()) AS temp_bytes,
           to_regclass('pg_catalog.pg_stat_io') IS NOT NULL AS has_io,
           has_function_privilege('pg_catalog.pg_read_file(text)', 'EXECUTE')
             AND pg_has_role('pg_read_server_files', 'USAGE') AS may_read_files,
           quote_ident(current_user) AS role`);
  const machine = facts.may_read_files ? readMachine(host) : null;
  const evictions = facts.has_io
    ? host.one<{ n: number | null }>(sql`SELECT sum(evictions)::float8 AS n FROM pg_stat_io`).n
    : null;
  const before = lastMeasurement<Counted>(host, collection.id, KIND)?.value ?? null;
  keepMeasurement<Counted>(host, collection.id, KIND, {
    at: facts.at,
    temp_bytes: facts.temp_bytes,
    evictions,
  });
  const asked = Object.values(activity.blocks);
  return {
    value: {
      ...cacheOf(facts, machine),
      shared_buffers_bytes: facts.shared_buffers,
      observed_seconds: activity.observed,
      table_blocks: asked.reduce((sum, one) => sum + one.table, 0),
      table_hits: asked.reduce((sum, one) => sum + one.found, 0),
      evictions_per_second: rate(before?.evictions, evictions, before?.at, facts.at),
      temp_bytes_per_second: rate(before?.temp_bytes, facts.temp_bytes, before?.at, facts.at),
      system_used_pct:
        machine && machine.total > 0 ? 100 * (1 - machine.available / machine.total) : null,
    },
    unmeasured: gaps(facts, machine, activity),
  };
}

/**
 * What the kernel could give to a cache is MemAvailable, which counts the page cache that is there
 * already: a full page cache is not memory in use. effective_cache_size stands for it where the
 * machine cannot be read, and limits it where somebody has set it: other services may have a claim
 * that the kernel does not know.
 */
function cacheOf(
  facts: Facts,
  machine: Machine | null,
): Pick<MemoryMeasurement, "cache_bytes" | "cache_source"> {
  const declared = {
    cache_bytes: facts.effective_cache_size,
    cache_source: "effective_cache_size" as const,
  };
  if (!machine) return declared;
  const found = facts.shared_buffers + machine.available;
  return facts.cache_size_set && facts.effective_cache_size < found
    ? declared
    : { cache_bytes: found, cache_source: "shared_buffers and MemAvailable" };
}

interface Machine {
  readonly total: number;
  readonly available: number;
}

/** /proc/meminfo, in bytes; null where there is none (not Linux) or it does not say. */
function readMachine(host: Host): Machine | null {
  try {
    const { text } = host.one<{ text: string }>(sql`SELECT pg_read_file('/proc/meminfo') AS text`);
    const kilobytes = (name: string): number | null => {
      const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
      return found === undefined ? null : Number(found);
    };
    const [total, available] = [kilobytes("MemTotal"), kilobytes("MemAvailable")];
    return total === null || available === null
      ? null
      : { total: total * 1024, available: available * 1024 };
  } catch (error) {
    if (error instanceof SqlError) return null;
    throw error;
  }
}

/** Per second; null without two readings that rise (a reset makes a counter fall). */
function rate(
  before: number | null | undefined,
  after: number | null,
  began: number | undefined,
  at: number,
): number | null {
  if (
    before === null ||
    before === undefined ||
    after === null ||
    began === undefined ||
    !(at > began) ||
    after < before
  )
    return null;
  return (after - before) / (at - began);
}

function gaps(facts: Facts, machine: Machine | null, { observed }: ActivityMemory): Unmeasured[] {
  const found: Unmeasured[] = [];
  if (observed <= 0) {
    found.push({
      what: "memory use",
      why: "the working set comes from block counts of two samples, and this is the first",
      hint: `The next sample has it. ${pushHint("memory_usage_pct")}`,
    });
  }
  if (!machine) {
    found.push({
      what: "memory of the machine",
      why: facts.may_read_files
        ? "/proc/meminfo is not there or does not say"
        : `role ${facts.role} may not read /proc/meminfo; effective_cache_size ` +
          `(${facts.cache_size_set ? "as set" : "its default"}) stands for the memory there is`,
      hint: facts.may_read_files
        ? "Set effective_cache_size to the memory that the server and the kernel have for its " +
          "blocks."
        : `GRANT pg_read_server_files TO ${facts.role}; GRANT EXECUTE ON FUNCTION ` +
          `pg_catalog.pg_read_file(text) TO ${facts.role}; or, where nobody can grant that, ` +
          "set effective_cache_size right.",
    });
  }
  if (!facts.has_io) {
    found.push({
      what: "buffer evictions",
      why: "this server has no pg_stat_io (PostgreSQL 16 and newer)",
      hint: "The hit ratio of the collection's own blocks is measured all the same.",
    });
  }
  return found;
}
