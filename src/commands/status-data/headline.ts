/**
 * The one sentence over everything: what is the case, said so that nobody is called out of bed for
 * nothing. Of the verdicts, and of nothing else.
 */
import type { Verdict } from "../../model/problem.ts";
import type { CollectionSeen, Overview } from "./documents.ts";
import { plural, span } from "./words.ts";
import { WHOLE } from "../../graph/improvement.ts";

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

/** What the sentence is made of. */
interface Case {
  readonly overview: Overview;
  of(verdict: Verdict): readonly CollectionSeen[];
  /** Critical ones first. */
  readonly sick: readonly CollectionSeen[];
  readonly tone: Tone;
  /** When the loop ran. */
  readonly ran: string;
}

/** The first that says something is the sentence. */
const SENTENCES: readonly ((what: Case) => Headline | null)[] = [
  heldByBreaker,
  healing,
  waiting,
  sick,
  suspect,
  unknown,
  recovering,
];

/** @param now the database's clock, milliseconds: the overview may be some seconds old */
export function stateLine(overview: Overview, now: number = overview.now): Headline {
  const { collections } = overview;
  if (collections.length === 0) return nothing(overview);
  const stopped = notRunning(overview);
  if (stopped) return stopped;
  const of = (verdict: Verdict): readonly CollectionSeen[] =>
    collections.filter((one) => one.verdict === verdict);
  const what: Case = {
    overview,
    of,
    sick: [...of("critical"), ...of("stress")],
    tone: of("critical").length > 0 ? "critical" : "stress",
    ran: whenRan(overview, now),
  };
  for (const sentence of SENTENCES) {
    const found = sentence(what);
    if (found) return found;
  }
  return healthy(what);
}

/** The breaker is everybody's: who is not told of it sees the collections of some tenants only. */
const nothing = ({ breaker }: Overview): Headline => ({
  tone: "unknown",
  ...(breaker
    ? {
        text: "Nothing is registered yet",
        more: "SELECT ruvector_healing_register('embeddings');",
      }
    : {
        text: "No collection of your tenants is registered",
        more: "Those of others are not shown to you.",
      }),
});

const say = (one: CollectionSeen): string => `${one.name}: ${one.sentence}.`;

const whenRan = ({ tick, loop, now: read }: Overview, now: number): string =>
  tick.age === null ? loop.sentence : `The loop ran ${span(tick.age + (now - read) / 1000)} ago.`;

function notRunning({ loop }: Overview): Headline | null {
  if (!loop.stands_still) return null;
  const then = loop.condition === "never_ran" ? "" : " What follows is from then.";
  return {
    tone: "unknown",
    text: loop.title,
    more: `${loop.sentence}${then}${loop.statement === null ? "" : ` ${loop.statement}`}`,
  };
}

function heldByBreaker({ overview: { breaker }, sick: ill, tone, ran }: Case): Headline | null {
  if (!breaker || breaker.state === "closed" || ill.length === 0) return null;
  return {
    tone,
    text:
      breaker.state === "open"
        ? "Healing is held by the circuit breaker"
        : "The circuit breaker lets one action through",
    more: breaker.reason ?? ran,
  };
}

function healing({ of, sick: ill, ran }: Case): Headline | null {
  const found = of("healing");
  if (found.length === 0) return null;
  const rest = ill.length + of("suspect").length;
  return {
    tone: "action",
    text: `${plural(found.length, "collection is", "collections are")} healing`,
    more: `${ran}${rest > 0 ? ` ${plural(rest, "more needs", "more need")} attention.` : ""}`,
  };
}

function waiting({ overview, tone, ran }: Case): Headline | null {
  const found = overview.active.filter((one) => one.state === "awaiting_approval");
  if (found.length === 0) return null;
  return {
    tone,
    text: `${plural(found.length, "action waits", "actions wait")} for your approval`,
    more: `${ran} Nothing is changed until somebody approves.`,
  };
}

function sick({ sick: [first, ...others], tone, ran }: Case): Headline | null {
  if (!first) return null;
  return {
    tone,
    text: `${plural(1 + others.length, "collection needs", "collections need")} attention`,
    more: `${say(first)} ${ran}`,
  };
}

function suspect({ of, ran }: Case): Headline | null {
  const found = of("suspect");
  if (!found[0]) return null;
  return {
    tone: "stress",
    text:
      `${plural(found.length, "collection looks", "collections look")} sick, which is not ` +
      "confirmed yet",
    more: `${say(found[0])} ${ran}`,
  };
}

function unknown({ of, ran }: Case): Headline | null {
  const found = of("unknown");
  if (!found[0]) return null;
  return {
    tone: "unknown",
    text: `Nothing is known of ${plural(found.length, "collection")}`,
    more: `${say(found[0])} ${ran}`,
  };
}

function recovering({ of, ran }: Case): Headline | null {
  const found = of("recovering");
  if (!found[0]) return null;
  return {
    tone: "action",
    text: `${plural(found.length, "collection is", "collections are")} recovering`,
    more: `${say(found[0])} ${ran}`,
  };
}

function healthy({ overview: { collections }, ran }: Case): Headline {
  const lowest = [...collections].sort((a, b) => (a.lambda ?? 1) - (b.lambda ?? 1))[0]!;
  return {
    tone: "normal",
    text:
      collections.length === 1
        ? "Your collection is healthy"
        : `All ${collections.length} collections are healthy`,
    more: `${(lowest.lambda ?? 1) < WHOLE ? say(lowest) : "lambda is 1 everywhere."} ${ran}`,
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
