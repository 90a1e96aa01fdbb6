/**
 * Who replicates from this server and how far behind: from one look at the views, and what earlier
 * looks saw. Pure.
 *
 * `pg_stat_replication.replay_lag` alone does not say it. It is NULL on an idle server, and keeps
 * its last value while a standby replays nothing, so a replica whose replay is paused would look as
 * near as it was before. So every look marks where the log was written to at that time: the log
 * that a replica has not replayed was written at the earliest mark beyond its position, and lag is
 * the time since then (a lower bound, exact to the time between two looks), or replay_lag where
 * that is more. A replica that has replayed all there is lags 0 s, whatever its last replay_lag
 * was.
 */
import {
  type Sender,
  type ReplicationView,
  type ReplicaMeasurement,
  type KnownReplica,
  type ReplicationMemory,
  type Memorable,
  own,
  nothing,
} from "./replication-view.ts";
import { retention, inactiveSince, unused } from "./slots.ts";

/**
 * Seconds that a container may take to go once the count of a workload is lowered: Kubernetes gives
 * it 30.
 */
const LEAVING_SECONDS = 60;

/** Marks closer to each other than this share of their age say nothing new. */
const MARK_SPACING = 0.1;

export function observe(
  view: ReplicationView,
  last: ReplicationMemory | null,
  settings: Memorable,
): { readonly replicas: readonly ReplicaMeasurement[]; readonly memory: ReplicationMemory | null } {
  // After a promotion the others follow this server anew; what the old primary knew of them does
  // not hold.
  const known = last && last.timeline === view.timeline ? last : null;
  const marks = marked(known?.marks ?? [], view);
  const slots = inactiveSince(view, known);
  const replicas = new Map<string, ReplicaMeasurement>();
  const seen: Record<string, KnownReplica> = {};
  for (const [id, label, sender] of named(view)) {
    const before = own(known?.replicas, id);
    const one = connected(view, { id, label, sender, before }, marks);
    if (!one) continue;
    replicas.set(id, one);
    if (view.may_read) seen[id] = noted(view, { id, label, sender, before }, one);
  }
  for (const slot of view.slots) {
    const one = unused(view, slot, known, slots, settings);
    if (one && !replicas.has(one.id)) replicas.set(one.id, one);
    // Its name outlives the connection as long as the slot does.
    const before = own(known?.replicas, one?.id ?? "");
    if (one && before && !seen[one.id]) seen[one.id] = before;
  }
  for (const [id, before] of Object.entries(known?.replicas ?? {})) {
    if (replicas.has(id) || before.slot !== null || !before.replays) continue;
    if (!missed(view, before, settings)) continue;
    seen[id] = before;
    replicas.set(id, gone(view, id, before));
  }
  const behind = Object.values(seen).map(({ replayed }) => replayed ?? view.position);
  const worth = Object.keys(seen).length > 0 || Object.keys(slots).length > 0;
  const memory: ReplicationMemory | null =
    view.timeline === null || !(worth || known)
      ? null
      : {
          timeline: view.timeline,
          marks: thinned(marks, Math.min(view.position, ...behind), view.now),
          replicas: seen,
          slots,
        };
  return { replicas: [...replicas.values()].sort((a, b) => (a.id < b.id ? -1 : 1)), memory };
}

/** What is kept of a replica that is there. */
const noted = (
  view: ReplicationView,
  { label, sender, before }: Connection,
  one: ReplicaMeasurement,
): KnownReplica => ({
  label,
  seen: view.now,
  slot: sender.slot,
  replayed: sender.replayed ?? before?.replayed ?? null,
  replays: sender.replayed !== null || before?.replays === true,
  lags: lagsNow(before, one, view),
});

/** A replica that was there, and is missed. */
const gone = (
  { now, booted, position }: ReplicationView,
  id: string,
  { label, seen, replayed }: KnownReplica,
): ReplicaMeasurement => ({
  ...nothing(id, `${label} (gone)`, "gone"),
  // A server that was down itself saw nobody meanwhile.
  lag_seconds: Math.max(0, now - Math.max(seen, booted)),
  lag_bytes: replayed === null ? null : Math.max(0, position - replayed),
});

/** The marks with this look's; a clock or a log that went back takes those ahead of it away. */
function marked(
  before: ReplicationMemory["marks"],
  { now, position }: ReplicationView,
): (readonly [number, number])[] {
  const marks = before.filter(([at, written]) => at <= now && written <= position);
  const newest = marks[marks.length - 1];
  return newest && newest[1] >= position ? marks : [...marks, [now, position]];
}

/**
 * Marks that a replica may still need: those beyond the farthest behind, the oldest in any case,
 * older ones ever farther apart.
 */
function thinned(
  marks: ReplicationMemory["marks"],
  floor: number,
  now: number,
): ReplicationMemory["marks"] {
  const needed = marks.filter(([, written]) => written > floor);
  const kept: (readonly [number, number])[] = [];
  for (const [place, mark] of [...needed.entries()].reverse()) {
    const later = kept[kept.length - 1];
    if (!later || place === 0 || later[0] - mark[0] >= MARK_SPACING * (now - mark[0]))
      kept.push(mark);
  }
  return kept.reverse();
}

/**
 * Ids that last: the slot's name, else the application's; several of one name are numbered. Numbers
 * and not addresses tell them apart, because a container that is replaced comes back with another
 * address, and what matters is how many there are.
 */
function named({ senders, slots }: ReplicationView): (readonly [string, string, Sender])[] {
  const taken = new Map<string, number>(
    slots.filter(({ type }) => type === "physical").map(({ name }) => [name, 1]),
  );
  return senders.map((sender) => {
    if (sender.slot !== null) {
      const label =
        sender.application_name === "walreceiver" ? sender.slot : sender.application_name;
      return [`replica:${sender.slot}`, label, sender] as const;
    }
    const place = (taken.get(sender.application_name) ?? 0) + 1;
    taken.set(sender.application_name, place);
    const name = place === 1 ? sender.application_name : `${sender.application_name}#${place}`;
    return [`replica:${name}`, name, sender] as const;
  });
}

/** A connection that is there now, and what earlier looks saw of its replica. */
interface Connection {
  readonly id: string;
  readonly label: string;
  readonly sender: Sender;
  readonly before: KnownReplica | null;
}

function connected(
  view: ReplicationView,
  { id, label, sender, before }: Connection,
  marks: ReplicationMemory["marks"],
): ReplicaMeasurement | null {
  const slot = view.slots.find(({ name }) => name === sender.slot);
  const base = { ...nothing(id, label, "connected"), ...(slot && retention(view, slot)) };
  if (!view.may_read) return base;
  if (sender.replayed === null && before?.replays !== true) {
    // A tool that receives the log for a while (a base backup), or a standby that has not answered
    // yet.
    if (sender.slot === null) return null;
    return { ...base, kind: sender.written === null ? "connected" : "receiver" };
  }
  const replayed = sender.replayed ?? before?.replayed ?? null;
  if (replayed === null) return base;
  const lag_bytes = Math.max(0, view.position - replayed);
  const since = marks.find(([, written]) => written > replayed)?.[0] ?? view.now;
  const lag_seconds = lag_bytes === 0 ? 0 : Math.max(0, sender.replay_lag ?? 0, view.now - since);
  return {
    ...base,
    lag_bytes,
    lag_seconds,
    replay: replayOf(view, replayed, sender.written, before, lag_seconds),
  };
}

/**
 * How long a lag is looked at before it is said to grow or not, and how far apart those looks are
 * kept.
 */
const PACE_SECONDS = 60;

const LOOKS_APART = 30;

/**
 * A lag grows by more than this, seconds a second and share of it; marks are a tenth apart, and a
 * load is never quite even.
 */
const GROWTH = 0.02;

const UNEVEN = 0.05;

/** At most this share of what a standby has not replayed is still on its way to it. */
const ON_ITS_WAY = 0.1;

/**
 * A standby that has received the log and replays none of it is paused, or waits for
 * recovery_min_apply_delay or a query; one that replays it as fast as it is written keeps its
 * distance, by design or because it is catching up. Neither comes nearer by fewer writes.
 */
function replayOf(
  { now, position }: ReplicationView,
  replayed: number,
  written: number | null,
  before: KnownReplica | null,
  lag: number,
): ReplicaMeasurement["replay"] {
  if (
    position <= replayed ||
    written === null ||
    position - written > ON_ITS_WAY * (position - replayed)
  )
    return null;
  if (before?.replayed === replayed) return "stands";
  const [then] = (before?.lags ?? []).filter(([at]) => now - at >= PACE_SECONDS).slice(-1);
  if (!then) return null;
  const [at, past] = then;
  return lag - past <= Math.max(GROWTH * (now - at), UNEVEN * past) ? "keeps_pace" : "falls_behind";
}

/** The last few lags, some time apart. */
function lagsNow(
  before: KnownReplica | null,
  { lag_seconds }: ReplicaMeasurement,
  { now }: ReplicationView,
): NonNullable<KnownReplica["lags"]> {
  const lags = (before?.lags ?? []).filter(([at]) => at <= now && now - at < 3 * PACE_SECONDS);
  const last = lags[lags.length - 1];
  return lag_seconds === null || (last && now - last[0] < LOOKS_APART)
    ? lags
    : [...lags, [now, lag_seconds]];
}

/**
 * Whether a replica that has gone is still missed: not for ever, and not where fewer were asked
 * for.
 */
const missed = (
  { now }: ReplicationView,
  { seen }: KnownReplica,
  { replica_memory_seconds, scaled_down: down }: Memorable,
): boolean =>
  now - seen < replica_memory_seconds &&
  !(down !== null && seen >= down.from && seen <= down.to + LEAVING_SECONDS);
