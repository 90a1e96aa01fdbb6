/** Replication slots: what they keep, since when nobody comes for it. */
import {
  type Slot,
  type ReplicationView,
  type ReplicaMeasurement,
  type ReplicationMemory,
  type Memorable,
  own,
  nothing,
} from "./replication-view.ts";

export function retention(
  { position }: ReplicationView,
  { restart, safe_wal_size, wal_status }: Slot,
): Pick<ReplicaMeasurement, "retained_bytes" | "retained_pct" | "lost"> {
  const lost = wal_status === "lost";
  const retained = restart === null || lost ? null : Math.max(0, position - restart);
  // What is kept and what may still come add up to max_slot_wal_keep_size, in whole segments.
  const limit =
    retained === null || safe_wal_size === null ? null : Math.max(1, retained + safe_wal_size);
  return {
    retained_bytes: retained,
    retained_pct: retained === null || limit === null ? null : (100 * retained) / limit,
    lost,
  };
}

/** A slot may be called "__proto__". */
const slotKey = (name: string): string => `slot:${name}`;

/**
 * Since when each unused slot has been so: the server's word, or what earlier looks saw where its
 * consumer did nothing since.
 */
export function inactiveSince(
  view: ReplicationView,
  known: ReplicationMemory | null,
): Record<string, { progress: number | null; since: number }> {
  const found: Record<string, { progress: number | null; since: number }> = {};
  for (const { name, active, progress, inactive_since } of view.slots) {
    if (active) continue;
    const before = own(known?.slots, slotKey(name));
    const seen = own(known?.replicas, `replica:${name}`)?.seen;
    // PostgreSQL before 17 does not say; since 17 it begins anew with a restart of the server.
    const said = inactive_since ?? (seen === undefined ? view.now : Math.max(seen, view.booted));
    const since = before && before.progress === progress ? Math.min(before.since, said) : said;
    found[slotKey(name)] = { progress, since: Math.min(since, view.now) };
  }
  return found;
}

/**
 * A slot that no standby uses; null: it is used, has never kept anything, or says nothing that
 * could be judged.
 */
export function unused(
  view: ReplicationView,
  slot: Slot,
  known: ReplicationMemory | null,
  since: ReplicationMemory["slots"],
  settings: Memorable,
): ReplicaMeasurement | null {
  const kept = retention(view, slot);
  const inactive = own(since, slotKey(slot.name));
  const seconds = inactive ? view.now - inactive.since : null;
  // Beyond max_wal_size a slot costs disk that the server was not set up for.
  const consumer =
    seconds !== null && (slot.wal_status !== "reserved" || slot.restart === null) ? seconds : null;
  // A lost slot keeps no log any more: its standby is gone for good, and is forgotten like any
  // other.
  if (kept.lost && (seconds ?? 0) > settings.replica_memory_seconds) return null;
  if (slot.type === "logical") {
    if (kept.retained_pct === null && (consumer === null || slot.restart === null) && !kept.lost)
      return null;
    const of = slot.database === null ? "" : ` of database ${slot.database}`;
    const label = `logical slot ${slot.name}${of}`;
    return {
      ...nothing(`slot:${slot.name}`, label, "logical_slot"),
      ...kept,
      inactive_seconds: consumer,
    };
  }
  if (seconds === null || (slot.restart === null && !kept.lost)) return null;
  const id = `replica:${slot.name}`;
  const before = own(known?.replicas, id);
  const label = `${before?.label ?? slot.name} (not connected)`;
  if (before && !before.replays)
    return { ...nothing(id, label, "receiver"), ...kept, inactive_seconds: consumer };
  // Nobody was ever seen at it: abandoned, or made ahead for a standby that is being built, which
  // takes hours. Nobody is late yet.
  if (!before)
    return { ...nothing(id, label, "inactive_slot"), ...kept, inactive_seconds: seconds };
  const from = before.replayed ?? slot.restart;
  return {
    ...nothing(id, label, "inactive_slot"),
    ...kept,
    lag_seconds: seconds,
    lag_bytes: from === null ? null : Math.max(0, view.position - from),
  };
}
