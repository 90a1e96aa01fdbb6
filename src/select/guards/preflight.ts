/** Whether the server is in a state to begin something heavy. */
import { anyOf, flipSentence, happens, happensTo, measure, settingIs } from "../../base/flip.ts";
import { bytes, capitalized, configure, printable } from "../../base/text.ts";
import type { GuardContext, Refusal } from "./types.ts";

export function preflight(context: GuardContext): Refusal | null {
  const facts = context.planned?.preflight;
  if (!facts) return null;
  return (
    transaction(context, facts.transaction) ?? wraparound(facts.wraparound) ?? slot(context, facts)
  );
}

type Facts = NonNullable<NonNullable<GuardContext["planned"]>["preflight"]>;

function transaction({ settings }: GuardContext, held: Facts["transaction"]): Refusal | null {
  const limit = settings.preflight_transaction_seconds;
  if (!held || held.seconds <= limit) return null;
  const flips = anyOf(
    happensTo("transaction_ends", held.ends),
    settingIs("preflight_transaction_seconds", "above", Math.ceil(held.seconds), limit),
  );
  return {
    reason: "preflight",
    measured: Math.round(held.seconds),
    flips,
    message:
      `a transaction has been open for ${Math.round(held.seconds)} s: ${printable(held.who)}; ` +
      "what is built CONCURRENTLY waits for every older one, and a VACUUM leaves what it may see",
    hint: `${capitalized(flipSentence(flips))}.`,
  };
}

function wraparound(old: Facts["wraparound"]): Refusal | null {
  if (!old) return null;
  const at =
    old.pid === null
      ? "it has to be vacuumed first"
      : `pid ${old.pid} vacuums it, or holds its lock, and must not be disturbed`;
  return {
    reason: "preflight",
    measured: old.age,
    flips: measure("age_at_most", old.limit, old.relation),
    message:
      `${printable(old.relation)} is ${old.age} transactions old, more than ` +
      `autovacuum_freeze_max_age: ${at}`,
    hint:
      old.pid === null
        ? `VACUUM (FREEZE) ${printable(old.relation, 200)};`
        : "SELECT * FROM pg_stat_progress_vacuum;",
  };
}

/** What the plan writes to the log is held back by a slot, or takes it over its limit. */
function slot(
  { settings, collection }: GuardContext,
  { slot: worst, wal_bytes }: Facts,
): Refusal | null {
  if (!worst) return null;
  const name = printable(worst.name);
  if (worst.safe !== null) {
    if (worst.safe > wal_bytes) return null;
    return {
      reason: "preflight",
      measured: worst.safe,
      flips: anyOf(
        measure("slot_room_above", wal_bytes, worst.name),
        happens("a larger max_slot_wal_keep_size"),
      ),
      message:
        `slot ${name} is lost after ${bytes(Math.max(0, worst.safe))} more of log ` +
        `(max_slot_wal_keep_size), and the plan would write ${bytes(wal_bytes)}`,
      hint: "SELECT slot_name, active, wal_status, safe_wal_size FROM pg_replication_slots;",
    };
  }
  const limit = settings.preflight_slot_wal_bytes;
  const total = worst.retained + wal_bytes;
  if (total <= limit) return null;
  return {
    reason: "preflight",
    measured: total,
    flips: anyOf(
      settingIs("preflight_slot_wal_bytes", "at_least", total),
      happensTo("slot_moves", worst.name),
    ),
    message:
      `slot ${name} keeps ${bytes(worst.retained)} of log from being removed, and the plan ` +
      `would write ${bytes(wal_bytes)}: preflight_slot_wal_bytes is ${bytes(limit)}`,
    hint:
      "SELECT slot_name, active, restart_lsn FROM pg_replication_slots; " +
      `${configure(`{"preflight_slot_wal_bytes": ${total}}`, collection)}`,
  };
}
