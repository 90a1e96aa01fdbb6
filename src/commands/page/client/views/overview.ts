import type { CollectionSeen, Overview } from "../../../status-data/documents.ts";
import { TONES } from "../../../status-data/headline.ts";
import { SPARK_CAPTION, sparkWithAxis } from "../charts/spark.ts";
import { type Child, h } from "../dom.ts";
import { lambda, localTimes, percent, plural, span, words } from "../format.ts";
import { mark } from "../marks.ts";
import { collectionLink, databaseNow, type Model } from "../model.ts";
import { activeCard } from "./active.ts";
import { filterBar, filtered } from "./filter.ts";
import { outcomes, recommendationCard, refusalItem, section, toneOf } from "./parts.ts";
import { weights } from "./weights.ts";

export function overviewView(model: Model, all: Overview): Child {
  const now = databaseNow(model);
  const overview = filtered(all, model.filter);
  const { collections, active } = overview;
  const busy = new Map(active.map((one) => [one.collection, one.strategy]));
  const needs = collections.filter((one) => one.verdict !== "healthy" || busy.has(one.name));
  const healthy = collections.filter((one) => !needs.includes(one));
  return [
    (all.collections.length > 1 || all.outcomes.length > 3) &&
      filterBar(model.filter, all, overview),
    active.length > 0 &&
      section("Now", "now", cards(active.map((one) => activeCard(one, now, model)))),
    overview.recommendations.length > 0 && recommendations(overview, now),
    needs.length > 0 &&
      section(
        healthy.length > 0 ? `${needTitle(needs)} (${needs.length})` : "Collections",
        "needs",
        h(
          "ul",
          { class: "rows" },
          needs.map((one) => row(one, busy.get(one.name) ?? null, now)),
        ),
      ),
    collections.length > 0 &&
      h("p", { class: "caption muted", "data-key": "caption" }, LAMBDA, SPARK_CAPTION),
    refusals(collections, now),
    healthy.length > 0 &&
      section(
        needs.length > 0 ? `Healthy (${healthy.length})` : "Collections",
        "healthy",
        healthyList(healthy, now),
      ),
    h("div", { class: "pair" }, lastOutcomes(overview, now), learned(overview)),
    overview.leases.length > 0 && leases(overview, now),
  ];
}

const LAMBDA =
  "lambda is how much is left of the weakest way to split a table's working graph in two: 1 is " +
  "as designed, below 0.8 stress, below 0.3 critical. ";

const cards = (children: Child): HTMLElement => h("div", { class: "cards" }, children);

const andMore = (all: readonly unknown[], shown: number): Child =>
  all.length > shown && h("p", { class: "muted" }, `and ${all.length - shown} more`);

const needTitle = (needs: readonly CollectionSeen[]): string =>
  needs.every(({ verdict }) => TONES[verdict] === "action" || verdict === "healthy")
    ? "Healing"
    : "Needs attention";

const recommendations = ({ recommendations: all }: Overview, now: number): HTMLElement =>
  section(
    "Recommended",
    "recommended",
    cards(
      all
        .slice(0, 10)
        .map((one) => recommendationCard(one, `${collectionLink(one.collection)}/why`, now)),
    ),
    andMore(all, 10),
  );

function refusals(collections: readonly CollectionSeen[], now: number): Child {
  const all = collections.flatMap((one) =>
    one.refusals.map((refusal) => ({ name: one.name, refusal })),
  );
  if (all.length === 0) return null;
  const shown = all
    .slice(0, 20)
    .map(({ name, refusal }) => refusalItem(refusal, name, `${collectionLink(name)}/why`, now));
  return section(
    "What stands in the way",
    "refusals",
    h("ul", { class: "refusals" }, shown),
    andMore(all, 20),
  );
}

/** More than six are drawn small. */
const healthyList = (healthy: readonly CollectionSeen[], now: number): HTMLElement =>
  healthy.length > 6
    ? h(
        "ul",
        { class: "tiles" },
        healthy.map((one) => tile(one, now)),
      )
    : h(
        "ul",
        { class: "rows" },
        healthy.map((one) => row(one, null, now)),
      );

const lastOutcomes = ({ outcomes: all, collections }: Overview, now: number): HTMLElement =>
  section(
    "Last outcomes",
    "outcomes",
    outcomes(
      all.filter((one) => one.finished_at !== null).slice(0, 10),
      collections.length > 1,
      now,
    ),
  );

const learned = ({ strategies }: Overview): HTMLElement =>
  section("What was learned", "weights", weights(strategies));

const leases = ({ leases: all }: Overview, now: number): HTMLElement =>
  section(
    "Held for a while",
    "leases",
    h(
      "ul",
      { class: "plain" },
      all.map((lease) =>
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
  );

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
      sparkWithAxis(one.trend, tone),
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
      sparkWithAxis(one.trend, "normal"),
      h("span", { class: "visually-hidden" }, ", healthy"),
      age !== null && age > STALE && h("span", { class: "stale" }, `sampled ${span(age)} ago`),
    ),
  );
}

export function footnote({ healings: { day, success_rate } }: Overview): string {
  const helped = success_rate === null ? "" : `, ${percent(success_rate)} of them helped`;
  return `${plural(day, "healing")} in 24 h${helped}.`;
}
