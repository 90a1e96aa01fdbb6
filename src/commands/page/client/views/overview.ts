import type { CollectionSeen, Overview, StrategySeen } from "../../../reading/seen.ts";
import { TONES } from "../../../reading/headline.ts";
import { spark } from "../charts/spark.ts";
import { type Child, h, s } from "../dom.ts";
import { lambda, localTimes, percent, plural, span, words } from "../format.ts";
import { mark } from "../marks.ts";
import { collectionLink, databaseNow, type Model } from "../model.ts";
import { activeCard, outcomes, recommendationCard, refusalItem, section, toneOf } from "./parts.ts";

export function overviewView(model: Model, overview: Overview): Child {
  const now = databaseNow(model);
  const { collections, active } = overview;
  const busy = new Map(active.map((one) => [one.collection, one]));
  const needs = collections.filter((one) => one.verdict !== "healthy" || busy.has(one.name));
  const title = needs.every(({ verdict }) => TONES[verdict] === "action" || verdict === "healthy")
    ? "Healing"
    : "Needs attention";
  const healthy = collections.filter((one) => !needs.includes(one));
  const refusals = collections.flatMap((one) =>
    one.refusals.map((refusal) => ({ name: one.name, refusal })),
  );
  return [
    active.length > 0 &&
      section(
        "Now",
        "now",
        h(
          "div",
          { class: "cards" },
          active.map((one) => activeCard(one, now)),
        ),
      ),
    overview.recommendations.length > 0 &&
      section(
        "Recommended",
        "recommended",
        h(
          "div",
          { class: "cards" },
          overview.recommendations
            .slice(0, 10)
            .map((one) => recommendationCard(one, `${collectionLink(one.collection)}/why`, now)),
        ),
        overview.recommendations.length > 10 &&
          h("p", { class: "muted" }, `and ${overview.recommendations.length - 10} more`),
      ),
    needs.length > 0 &&
      section(
        healthy.length > 0 ? `${title} (${needs.length})` : "Collections",
        "needs",
        h(
          "ul",
          { class: "rows" },
          needs.map((one) => row(one, busy.get(one.name)?.strategy ?? null, now)),
        ),
      ),
    refusals.length > 0 &&
      section(
        "What stands in the way",
        "refusals",
        h(
          "ul",
          { class: "refusals" },
          refusals
            .slice(0, 20)
            .map(({ name, refusal }) =>
              refusalItem(refusal, name, `${collectionLink(name)}/why`, now),
            ),
        ),
        refusals.length > 20 && h("p", { class: "muted" }, `and ${refusals.length - 20} more`),
      ),
    healthy.length > 0 &&
      section(
        needs.length > 0 ? `Healthy (${healthy.length})` : "Collections",
        "healthy",
        h(
          "ul",
          { class: healthy.length > 6 ? "tiles" : "rows" },
          healthy.map((one) => (healthy.length > 6 ? tile(one, now) : row(one, null, now))),
        ),
      ),
    h(
      "div",
      { class: "pair" },
      section(
        "Last outcomes",
        "outcomes",
        outcomes(
          overview.outcomes.filter((one) => one.finished_at !== null).slice(0, 10),
          collections.length > 1,
          now,
        ),
      ),
      section("What was learned", "weights", weights(overview.strategies)),
    ),
    overview.leases.length > 0 &&
      section(
        "Held for a while",
        "leases",
        h(
          "ul",
          { class: "plain" },
          overview.leases.map((lease) =>
            h(
              "li",
              {},
              h("a", { href: `#/a/${lease.action_id}` }, words(lease.strategy)),
              " on ",
              h("bdi", {}, lease.collection),
              `: ${words(lease.kind)}`,
              lease.expires_at !== null &&
                `, ends by itself in ${span((lease.expires_at - now) / 1000)}`,
            ),
          ),
        ),
      ),
  ];
}

function noteOf(one: CollectionSeen, strategy: string | null, now: number): string {
  if (strategy !== null) return `${words(strategy)} is at work`;
  const [refusal] = one.refusals;
  const sick = one.verdict === "critical" || one.verdict === "stress";
  if (refusal && sick) return localTimes(refusal.message);
  if (sick && one.enabled && one.witness !== null) return one.witness;
  if (one.verdict !== "healthy") return localTimes(one.sentence);
  if (!one.enabled) return "healing is switched off";
  return one.since === null ? "" : `${one.verdict} for ${span((now - one.since) / 1000)}`;
}

/**
 * A sample older than this is shown as old, though the loop runs: another session may hold the
 * collection.
 */
const STALE = 120;

function row(one: CollectionSeen, strategy: string | null, now: number): HTMLElement {
  const tone = toneOf(one);
  const age = one.sampled_at === null ? null : (now - one.sampled_at) / 1000;
  return h(
    "li",
    { "data-key": one.name },
    h(
      "a",
      { href: collectionLink(one.name) },
      mark(tone),
      h("span", { class: "name" }, h("bdi", {}, one.name)),
      h(
        "span",
        { class: "note muted" },
        noteOf(one, strategy, now),
        age !== null && age > STALE && h("span", { class: "stale" }, ` · sampled ${span(age)} ago`),
      ),
      spark(one.trend, tone),
      h("span", { class: "figure big" }, lambda(one.lambda)),
      h(
        "span",
        { class: `state ${tone}` },
        one.verdict,
        one.mode !== null && one.mode !== "auto" && h("span", { class: "mode" }, ` ${one.mode}`),
      ),
    ),
  );
}

function tile(one: CollectionSeen, now: number): HTMLElement {
  const age = one.sampled_at === null ? null : (now - one.sampled_at) / 1000;
  return h(
    "li",
    { "data-key": one.name },
    h(
      "a",
      { href: collectionLink(one.name) },
      mark("normal", 14),
      h("span", { class: "name" }, h("bdi", {}, one.name)),
      h("span", { class: "figure" }, lambda(one.lambda)),
      spark(one.trend, "normal"),
      h("span", { class: "visually-hidden" }, ", healthy"),
      age !== null && age > STALE && h("span", { class: "stale" }, `sampled ${span(age)} ago`),
    ),
  );
}

function weights(strategies: readonly StrategySeen[]): HTMLElement {
  const most = Math.max(1, ...strategies.map(({ weight }) => weight));
  return h(
    "table",
    { class: "weights" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, "strategy"),
        h("th", { scope: "col" }, "weight"),
        h("th", { scope: "col", class: "right" }, "helped"),
      ),
    ),
    h(
      "tbody",
      {},
      strategies.map((one) =>
        h(
          "tr",
          { "data-key": one.name, class: one.outcomes === 0 ? "untried" : "" },
          h("th", { scope: "row" }, words(one.name)),
          h(
            "td",
            {},
            s(
              "svg",
              {
                class: "weight",
                viewBox: "0 0 100 6",
                preserveAspectRatio: "none",
                "aria-hidden": "true",
              },
              s("rect", { class: "rail", width: 100, height: 6 }),
              s("rect", {
                class: "fill",
                width: Math.max(1, (one.weight / most) * 100).toFixed(1),
                height: 6,
              }),
            ),
            h("span", { class: "figure" }, lambda(one.weight)),
          ),
          h(
            "td",
            { class: "right figure" },
            one.outcomes === 0 ? "untried" : `${percent(one.success_rate ?? 0)} of ${one.outcomes}`,
          ),
        ),
      ),
    ),
  );
}

export function footnote({ healings: { day, success_rate } }: Overview): string {
  const helped = success_rate === null ? "" : `, ${percent(success_rate)} of them helped`;
  return `${plural(day, "healing")} in 24 h${helped}.`;
}
