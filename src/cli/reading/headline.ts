/** The one sentence over everything: what is the case, said so that nobody is called out of bed for nothing. */
import type { Overview } from "./overview.ts";
import { lambda, plural, span } from "./words.ts";

/** How it is meant; healing and recovering are action. */
export type Tone = "normal" | "stress" | "critical" | "action" | "unknown";

export interface Headline {
  readonly tone: Tone;
  readonly text: string;
  readonly more: string;
}

/** @param now the database's clock, milliseconds: the overview may be some seconds old */
export function stateLine(overview: Overview, now: number = overview.now): Headline {
  const { collections, active, tick, breaker, standby } = overview;
  const all = plural(collections.length, "collection");
  const count = (state: string): number => collections.filter((one) => one.state === state && !one.recovering).length;
  const [critical, stress, unknown] = [count("critical"), count("stress"), collections.filter((one) => one.state === null).length];
  const ran = tick.age === null ? "The loop has never run here." : `The loop ran ${span(tick.age + (now - overview.now) / 1000)} ago.`;
  if (collections.length === 0) return { tone: "unknown", text: "Nothing is registered yet", more: "SELECT ruvector_healing_register('embeddings');" };
  if (!tick.runs && !standby) {
    return {
      tone: "unknown", text: "The loop is not running",
      more: tick.age === null ? "It has never run: SELECT ruvector_healing_schedule('5 seconds');" : `Its last tick was ${span(tick.age)} ago. Nothing is sensed or healed meanwhile, and what follows is from then.`,
    };
  }
  const working = new Set(active.filter((one) => one.state !== "awaiting_approval").map(({ collection }) => collection));
  const waiting = active.filter((one) => one.state === "awaiting_approval").length;
  const sick = critical + stress;
  const rest = sick - collections.filter((one) => one.state !== "normal" && one.state !== null && !one.recovering && working.has(one.name)).length;
  const still = rest > 0 ? ` ${plural(rest, "more needs", "more need")} attention.` : "";
  if (breaker && breaker.state !== "closed" && sick > 0) {
    return { tone: critical > 0 ? "critical" : "stress", text: breaker.state === "open" ? "Healing is held by the circuit breaker" : "The circuit breaker lets one action through", more: breaker.reason ?? ran };
  }
  if (working.size > 0) return { tone: "action", text: `${plural(working.size, "collection is", "collections are")} healing`, more: `${ran}${still}` };
  if (waiting > 0) return { tone: critical > 0 ? "critical" : "stress", text: `${plural(waiting, "action waits", "actions wait")} for your approval`, more: `${ran} Nothing is changed until somebody approves.` };
  if (sick > 0) {
    const worst = collections.find((one) => one.state !== "normal" && !one.recovering)!;
    return {
      tone: critical > 0 ? "critical" : "stress",
      text: `${plural(sick, "collection needs", "collections need")} attention`,
      more: `${worst.name} is worst: lambda ${lambda(worst.lambda)}. ${ran}`,
    };
  }
  if (unknown > 0) return { tone: "unknown", text: `${plural(unknown, "collection has", "collections have")} not been sampled yet`, more: ran };
  const recovering = collections.filter((one) => one.recovering).length;
  if (recovering > 0) return { tone: "action", text: `${plural(recovering, "collection is", "collections are")} recovering`, more: `Nothing is wrong any more, and it counts as healthy once that has held. ${ran}` };
  const low = collections.find((one) => one.lambda === null || one.lambda < 0.999);
  return {
    tone: "normal", text: collections.length === 1 ? "Your collection is healthy" : `All ${all} are healthy`,
    more: `${low ? `Lowest lambda ${lambda(low.lambda)}.` : "lambda is 1 everywhere."} ${ran}`,
  };
}
