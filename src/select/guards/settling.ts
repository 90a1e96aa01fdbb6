/** A new collection is watched before it is acted on. */
import { count, utc } from "../../base/text.ts";
import { configure, within } from "./text.ts";
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
  const needs = [
    ...(early ? [`until ${utc(registered_at + seconds)}`] : []),
    ...(few ? [`for ${count(Math.max(0, least - samples), "more sample")}`] : []),
  ];
  const statement = configure('{"settle_seconds": 0, "settle_samples": 0}', collection);
  return {
    reason: "settling",
    measured: samples,
    flips_at: `${needs.join(", and ")}; or ${statement}`,
    message:
      `a new collection is watched first: ${needs.join(", and ")} (settle_seconds is ` +
      `${seconds}, settle_samples is ${least})`,
    hint: `${statement} ends it now.`,
    ends_itself: true,
  };
}
