/**
 * The one sentence over everything: what is the case, said so that nobody is called out of bed for
 * nothing. Of the verdicts, and of nothing else.
 */
import type { Verdict } from "../../model/problem.ts";
import type { CollectionSeen, Overview } from "./seen.ts";
import { plural, span } from "./words.ts";

/** How it is meant; healing and recovering are action. */
export type Tone = "normal" | "stress" | "critical" | "action" | "unknown";

export const TONES: Readonly<Record<Verdict, Tone>> = {
  critical: "critical",
  stress: "stress",
  suspect: "stress",
  unknown: "unknown",
  healing: "action",
  recovering: "action",
  healthy: "normal",
};

export interface Headline {
  readonly tone: Tone;
  readonly text: string;
  readonly more: string;
}

const LOOP_TEXTS = {
  never_ran: "The loop is not running",
  stopped: "The loop is not running",
  read_only: "The loop cannot write",
} as const;

/** @param now the database's clock, milliseconds: the overview may be some seconds old */
export function stateLine(overview: Overview, now: number = overview.now): Headline {
  const { collections, active, loop, tick, breaker } = overview;
  const of = (verdict: Verdict): readonly CollectionSeen[] =>
    collections.filter((one) => one.verdict === verdict);
  const say = (one: CollectionSeen): string => `${one.name}: ${one.sentence}.`;
  if (collections.length === 0)
    return {
      tone: "unknown",
      text: "Nothing is registered yet",
      more: "SELECT ruvector_healing_register('embeddings');",
    };
  if (loop.condition !== "running" && loop.condition !== "standby") {
    const then = loop.condition === "never_ran" ? "" : " What follows is from then.";
    return {
      tone: "unknown",
      text: LOOP_TEXTS[loop.condition],
      more: `${loop.sentence}${then}${loop.statement === null ? "" : ` ${loop.statement}`}`,
    };
  }
  const ran =
    tick.age === null
      ? loop.sentence
      : `The loop ran ${span(tick.age + (now - overview.now) / 1000)} ago.`;
  const sick = [...of("critical"), ...of("stress")];
  const tone = of("critical").length > 0 ? "critical" : "stress";
  const [waiting, healing, suspect, unknown, recovering] = [
    active.filter((one) => one.state === "awaiting_approval"),
    of("healing"),
    of("suspect"),
    of("unknown"),
    of("recovering"),
  ];
  if (breaker && breaker.state !== "closed" && sick.length > 0) {
    return {
      tone,
      text:
        breaker.state === "open"
          ? "Healing is held by the circuit breaker"
          : "The circuit breaker lets one action through",
      more: breaker.reason ?? ran,
    };
  }
  if (healing.length > 0) {
    const rest = sick.length + suspect.length;
    return {
      tone: "action",
      text: `${plural(healing.length, "collection is", "collections are")} healing`,
      more: `${ran}${rest > 0 ? ` ${plural(rest, "more needs", "more need")} attention.` : ""}`,
    };
  }
  if (waiting.length > 0)
    return {
      tone,
      text: `${plural(waiting.length, "action waits", "actions wait")} for your approval`,
      more: `${ran} Nothing is changed until somebody approves.`,
    };
  if (sick.length > 0)
    return {
      tone,
      text: `${plural(sick.length, "collection needs", "collections need")} attention`,
      more: `${say(sick[0]!)} ${ran}`,
    };
  if (suspect.length > 0)
    return {
      tone: "stress",
      text:
        `${plural(suspect.length, "collection looks", "collections look")} sick, which is not ` +
        "confirmed yet",
      more: `${say(suspect[0]!)} ${ran}`,
    };
  if (unknown.length > 0)
    return {
      tone: "unknown",
      text: `Nothing is known of ${plural(unknown.length, "collection")}`,
      more: `${say(unknown[0]!)} ${ran}`,
    };
  if (recovering.length > 0)
    return {
      tone: "action",
      text: `${plural(recovering.length, "collection is", "collections are")} recovering`,
      more: `${say(recovering[0]!)} ${ran}`,
    };
  const lowest = [...collections].sort((a, b) => (a.lambda ?? 1) - (b.lambda ?? 1))[0]!;
  return {
    tone: "normal",
    text:
      collections.length === 1
        ? "Your collection is healthy"
        : `All ${collections.length} collections are healthy`,
    more: `${(lowest.lambda ?? 1) < 0.999 ? say(lowest) : "lambda is 1 everywhere."} ${ran}`,
  };
}

/**
 * The error of a tick within the last hour, and whether later ticks went well; null: there was
 * none.
 */
export function tickError({ tick, now }: Overview, at: number = now): string | null {
  if (tick.error === null) return null;
  if (tick.failed) return `The last tick failed: ${tick.error}`;
  const when =
    tick.error_at === null ? "within the last hour" : `${span((at - tick.error_at) / 1000)} ago`;
  return `A tick failed ${when}, and the last one did not: ${tick.error}`;
}
