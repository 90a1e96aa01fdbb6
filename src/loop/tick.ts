/**
 * The two phases of a tick for one collection; ruvector_healing_tick() makes each call a
 * transaction.
 */
import { type Flip, happens } from "../base/flip.ts";
import { endDisabledLeases, endDueLeases } from "../execute/leases.ts";
import sql from "sql-template-tag";
import { recordEvent } from "../store/events.ts";
import { DistributedTable, loadCollection } from "../collection/lookup.ts";
import { endAction } from "../execute/end.ts";
import { activeAction } from "../store/actions.ts";
import { followClock } from "../store/clock.ts";
import { runBatch } from "../execute/batch.ts";
import { sweepJobs } from "../jobs/jobs.ts";
import { clearLeftovers } from "../execute/leftovers.ts";
import { STRATEGIES, strategyNamed } from "../strategies/registry.ts";
import { judgeAction } from "../execute/judge.ts";
import type { Host } from "../host/host.ts";
import { HealingError, SQLSTATES } from "../base/errors.ts";
import { type Action, waitsForWindow } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import { learnRest } from "../learn/outcomes.ts";
import { leftIndexes } from "../store/built-indexes.ts";
import { nameIfRegistered } from "../store/collections.ts";
import { closeForecasts, scoreForecasts } from "../store/forecasts.ts";
import { closeRefusals, isRefused, recordRefusal } from "../store/refusals.ts";
import { hasOpenLeases } from "../store/leases.ts";
import { readSeen } from "../store/rests.ts";
import { sampledWithin } from "../store/samples.ts";
import type { Sample } from "../sense/sample.ts";
import { observe } from "./observe.ts";
import { rest } from "./rest.ts";
import { beginInWindow } from "./give-approval.ts";
import { decide } from "./decide.ts";

export interface Again {
  readonly again: boolean;
}

/** At most one batch of the active action. */
export function tickBatch(host: Host, collectionId: number, sliceElapsed: number): Again {
  endLeases(host, collectionId);
  const action = atWork(host, collectionId);
  if (
    !action ||
    action.state === "awaiting_approval" ||
    action.state === "stabilizing" ||
    waitsForWindow(action)
  )
    return { again: false };
  restBefore(host, action, sliceElapsed);
  const collection = reachable(host, collectionId);
  return collection
    ? { again: runBatch(host, collection, action, sliceElapsed).again }
    : { again: false };
}

function atWork(host: Host, collectionId: number): Action | null {
  const action = activeAction(host, collectionId);
  return action && followClock(host, action);
}

/**
 * What its last batch asks for (src/strategies/moving-rows/pace.ts), with nothing locked but the
 * collection itself. Not once the time of the estimate is over: an action that misses its deadline
 * would be undone, which costs others more.
 */
function restBefore(
  host: Host,
  { state, progress, now, started_at, deadline }: Action,
  sliceElapsed: number,
): void {
  const { rest_ms, ms = 0 } = (progress["pace"] ?? {}) as Partial<Record<"rest_ms" | "ms", number>>;
  if (state !== "executing" || !rest_ms || started_at === null || deadline === null) return;
  // Before the first batch of a slice it has rested since the last tick.
  if (sliceElapsed * 1000 < ms) return;
  if (now < (started_at + deadline) / 2)
    host.query(sql`SELECT pg_sleep(${rest_ms / 1000}::float8)`);
}

/**
 * In the short phase of the tick: what ending a lease locks is free again before anything is
 * measured.
 */
function endLeases(host: Host, collectionId: number): void {
  if (!hasOpenLeases(host, collectionId)) return;
  endDueLeases(host, collectionId, null);
  const { enabled } = host.one<{ enabled: boolean }>(
    sql`SELECT (ruvector.healing_settings(${collectionId}::int) ->> 'enabled')::boolean AS enabled`,
  );
  if (!enabled) endDisabledLeases(host, collectionId);
}

/** Samples, then judges the active action, or decides whether there is one to start. */
export function tickObserve(host: Host, collectionId: number): Again {
  const began = host.now();
  const before = readSeen(host, collectionId);
  // What there is to know of an unchanged table to find it well again was kept: 15 of 60 ms.
  const unchanged = before.unchanged && !before.pending;
  const collection = reachable(host, collectionId, unchanged);
  if (!collection || sampledJustNow(host, collection)) return { again: false };
  host.execute(
    sql`SELECT set_config('lock_timeout', ${`${collection.settings.lock_timeout_ms}ms`}, true)`,
  );
  if (before.pending) sweepJobs(host, collectionId);
  for (const strategy of STRATEGIES) strategy.clearUp?.(host, collection);
  if (before.pending) learnRest(host, collectionId);
  const action = before.pending ? atWork(host, collectionId) : null;
  const sample = observe(
    host,
    collection,
    action && judgedNow(action) ? strategyNamed(action.strategy_name).remeasures : [],
  );
  if (before.pending) scoreForecasts(host, collection, sample.reading.lambda);
  if (action) follow(host, collection, action, sample);
  else if (sample.state === "normal" || recovering(collection, sample)) {
    if (before.pending) {
      closeRefusals(host, collection.id);
      closeForecasts(host, collection.id, [], "the collection is well again");
    }
    rest(host, collection, sample, before, began);
  } else {
    // What stands in the way of its rows is asked now.
    const now = unchanged ? reachable(host, collectionId) : collection;
    if (now) decide(host, now, sample, { origin: "loop", strategy: null, params: {} });
  }
  // What these lock stays locked until the end: a reader waited 2 s for a sample that came after.
  if (before.pending) clearLeftovers(host, collection);
  for (const strategy of STRATEGIES) strategy.dropLater?.(host, collection);
  return { again: false };
}

/** A sample of a collection that an action is at work on, or waits for. */
function follow(host: Host, collection: Collection, action: Action, sample: Sample): void {
  if (waitsForWindow(action)) beginInWindow(host, collection, action, sample);
  else if (action.state === "awaiting_approval" && wellAgain(collection, sample)) {
    // It would hold up everything else until somebody answers.
    endAction(host, action, {
      state: "expired",
      message: "not needed any more: the collection is well again",
    });
  } else judgeAction(host, collection, action, sample);
}

const wellAgain = ({ settings }: Collection, { state, reading }: Sample): boolean =>
  state === "normal" && reading.lambda !== null && reading.lambda >= settings.stress_threshold;

/**
 * Well again, and its state follows once that has held: nothing is decided about it meanwhile. An
 * edge that is a little weak would be a problem that no rule knows, and a person would be called.
 * As ruvector.healing_verdict_of() has it.
 */
const recovering = ({ settings }: Collection, { reading }: Sample): boolean =>
  reading.lambda !== null && reading.lambda > settings.stress_threshold + settings.recovery_margin;

/**
 * Whether the next sample decides about the action: it must then see what the action did, not what
 * is remembered.
 */
const judgedNow = (action: Action): boolean =>
  action.state === "stabilizing"
    ? action.stabilize_until === null || action.now >= action.stabilize_until
    : action.progress.remeasure === true;

/**
 * pg_cron catches up after a stall with ticks that follow each other at once: they must not count
 * as samples in a row.
 */
function sampledJustNow(host: Host, collection: Collection): boolean {
  return sampledWithin(host, collection.id, collection.settings.min_sample_interval_seconds);
}

/**
 * The collection, or null when its table is gone: that is recorded once and ends what was under
 * way, it is no failing tick.
 */
function reachable(host: Host, collectionId: number, unchanged = false): Collection | null {
  try {
    return loadCollection(host, collectionId, unchanged);
  } catch (error) {
    if (!(error instanceof HealingError)) throw error;
    if (error.document.sqlstate === SQLSTATES.unsupported_table)
      tableGone(host, collectionId, error);
    else if (error.document.sqlstate !== SQLSTATES.unknown_collection) throw error;
    return null;
  }
}

function tableGone(host: Host, collectionId: number, error: HealingError): void {
  const { message, hint } = error.document;
  const reason = error instanceof DistributedTable ? "distributed" : "table_missing";
  const name = nameIfRegistered(host, collectionId) ?? String(collectionId);
  const action = activeAction(host, collectionId);
  const first = !isRefused(host, collectionId, reason);
  if (action) endAction(host, action, { state: "failed", message }, { tableGone: true });
  // pg_cron would start them all the same, at another table that has the name by then.
  sweepJobs(host, collectionId);
  endDueLeases(host, collectionId, "the table is gone");
  if (first) {
    // No undo comes to a table that is another one now: what was built beside it stays.
    const left = leftIndexes(host, collectionId);
    recordEvent(host, {
      collection_id: collectionId,
      collection: name,
      kind: reason,
      message: [message, ...left.map(({ what, statement }) => `${what}, stays: ${statement}`)].join(
        "; ",
      ),
      details: { hint, left },
    });
  }
  const flips: Flip =
    hint === null ? happens("the table coming back") : { kind: "advice", text: hint };
  const { seconds } = host.one<{ seconds: number }>(
    sql`SELECT (ruvector.healing_settings(${collectionId}::int)
      ->> 'refusal_escalation_seconds')::float8 AS seconds`,
  );
  recordRefusal(
    host,
    { id: collectionId, name },
    "unknown",
    { reason, measured: null, flips, message },
    seconds,
  );
}
