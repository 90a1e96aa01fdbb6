/** What is wrong with the page's own data, or with the loop as a whole. */
import { tickError } from "../../../status-data/headline.ts";
import { h } from "../dom.ts";
import { span } from "../format.ts";
import { mark } from "../marks.ts";
import { databaseNow, type Model } from "../model.ts";

export function banner(model: Model): HTMLElement | null {
  const { overview, trouble } = model;
  if (trouble?.kind === "server")
    return notice(
      "critical",
      "The server of this page has not answered for " +
        `${span((Date.now() - trouble.since) / 1000)}. What you see does not change until it ` +
        "does.",
    );
  if (trouble)
    return notice(
      "critical",
      "The database does not answer: " +
        `${trouble.message}.${trouble.hint === null ? "" : ` ${trouble.hint}`}`,
    );
  if (!overview) return null;
  const { breaker, loop, enabled, missing } = overview;
  const failed = tickError(overview, databaseNow(model));
  const lines: string[] = [];
  if (loop.condition === "standby") lines.push(loop.sentence);
  if (!enabled && overview.collections.length > 0)
    lines.push(
      "Healing is switched off: problems are sensed, and nothing is done about them. SELECT " +
        "ruvector_healing_configure('{\"enabled\": true}');",
    );
  if (breaker && breaker.state !== "closed") {
    const why = breaker.reason === null ? "" : `: ${breaker.reason}`;
    lines.push(`The circuit breaker is ${breaker.state.replace("_", " ")}${why}.`);
  }
  if (failed !== null) lines.push(failed);
  for (const { why } of missing) lines.push(`Not shown: ${why}.`);
  return lines.length === 0
    ? null
    : h(
        "div",
        { class: "notices" },
        lines.map((line) => notice("stress", line)),
      );
}

const notice = (tone: "stress" | "critical", text: string): HTMLElement =>
  h(
    "div",
    { class: `notice ${tone}`, role: tone === "critical" ? "alert" : "status" },
    mark(tone, 14),
    h("p", {}, text),
  );

/** What came of what was last asked for here. */
export const said = ({ said: last }: Model): HTMLElement | null =>
  last &&
  h(
    "div",
    { class: `notice ${last.tone}`, role: "status", "data-key": "said" },
    mark(last.tone, 14),
    h("p", {}, last.text),
    h("button", { type: "button", class: "plain-button", "data-seen": true }, "Close"),
  );
