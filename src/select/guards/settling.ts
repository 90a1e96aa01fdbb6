/** A new collection is watched before it is acted on. */
import { anyOf, type Flip, flipSentence, measure, time } from "../../base/flip.ts";
import { configure } from "../../base/text.ts";
import { within } from "./text.ts";
import type { GuardContext, Refusal } from "./types.ts";

/**
 * A new collection is watched first: its caches are cold, its bulk load may go on, and what is
 * usual for it is not known yet.
 */
export function settling({
  registered_at,
  samples,
  now,
  settings,
  collection,
}: GuardContext): Refusal | null {
  const { settle_seconds: seconds, settle_samples: least } = settings;
  const early = Number.isNaN(seconds) || within(now, registered_at, seconds);
  const few = !(samples >= least);
  if (!early && !few) return null;
  const until = time(registered_at + seconds, "until");
  const needs: Flip = {
    kind: "all",
    of: [
      ...(early ? [until] : []),
      ...(few ? [measure("samples_to_come", Math.max(0, least - samples))] : []),
    ],
  };
  const statement = configure('{"settle_seconds": 0, "settle_samples": 0}', collection);
  return {
    reason: "settling",
    measured: samples,
    flips: anyOf(needs, { kind: "statement", sql: statement }),
    message:
      `a new collection is watched first: ${flipSentence(needs)} (settle_seconds is ` +
      `${seconds}, settle_samples is ${least})`,
    lift: statement,
    hint: `${statement} ends it now.`,
    ends_itself: true,
  };
}
