/** One collection: how it is, what is done about it, how it came to be so. */
import type { CollectionDetail } from "../../../status-data/collection.ts";
import type { CollectionSeen, Overview } from "../../../status-data/documents.ts";
import { type Child, h } from "../dom.ts";
import { lambda, localTimes, span } from "../format.ts";
import { mark } from "../marks.ts";
import { collectionLink, databaseNow, type Model } from "../model.ts";
import { activeCard } from "./active.ts";
import { explanation } from "./explanation.ts";
import {
  capitalized,
  outcomes,
  recommendationCard,
  refusalItem,
  section,
  toneOf,
} from "./parts.ts";
import { pictures } from "./pictures.ts";
import { recallCurves } from "./recall-curve.ts";

export function collectionView(
  model: Model,
  overview: Overview,
  name: string,
  why: boolean,
): Child {
  const now = databaseNow(model);
  const seen = overview.collections.find((one) => one.name === name);
  const back = h("p", { class: "back" }, h("a", { href: "#/" }, "← All collections"));
  if (!seen)
    return [
      back,
      h("h1", { class: "title" }, h("bdi", {}, name)),
      h("p", {}, "There is no such collection, or it is not registered any more."),
    ];
  const own = overview.outcomes.filter((one) => one.collection === name);
  const active = overview.active.filter((one) => one.collection === name);
  const detail = model.detail?.name === name ? model.detail : null;
  return [
    back,
    subject(seen, now, detail),
    active.map((one) => activeCard(one, now, model)),
    overview.recommendations
      .filter((one) => one.collection === name)
      .map((one) => recommendationCard(one, `${collectionLink(name)}/why`, now)),
    explanationLink(seen, why, active.length > 0),
    why &&
      h(
        "section",
        { class: "explained", "aria-label": "Explanation", "data-key": "why" },
        explanation(model, `collection ${name}`),
      ),
    detail
      ? pictures(model, detail, own, now)
      : h("p", { class: "muted" }, model.notFound ?? "Reading…"),
    detail !== null && recallCurves(model, detail),
    !why && seen.refusals.length > 0 && refusals(seen, now),
    section("Actions of the last seven days", "outcomes", outcomes(own.slice(0, 20), false, now)),
    !why && detail !== null && detail.unmeasured.length > 0 && unmeasured(detail),
  ];
}

/** The name, and how the collection is. */
function subject(seen: CollectionSeen, now: number, detail: CollectionDetail | null): HTMLElement {
  const tone = toneOf(seen);
  return h(
    "div",
    { class: "subject" },
    h("h1", { class: "title" }, mark(tone, 22), h("bdi", {}, seen.name)),
    h(
      "p",
      { class: "reading" },
      h("span", { class: "figure huge" }, lambda(seen.lambda)),
      h("span", { class: "muted" }, " lambda"),
      h("span", { class: `state ${tone}` }, seen.verdict),
      remarks(seen, now).map((text) => h("span", { class: "muted" }, text)),
    ),
    h(
      "p",
      { class: "caption muted" },
      "lambda is how much is left of the weakest way to split the working graph in two: 1 is as " +
        "designed" +
        (detail === null
          ? "."
          : `, below ${lambda(detail.thresholds.stress)} stress, below ` +
            `${lambda(detail.thresholds.critical)} critical. ${hysteresis(detail)}`),
    ),
    seen.verdict !== "healthy" &&
      h("p", { class: "muted" }, `${capitalized(localTimes(seen.sentence))}.`),
  );
}

/** Why a state stands beside a lambda that is well already. */
function hysteresis({ thresholds: { margin, hold_seconds: hold } }: CollectionDetail): string {
  const above = `more than ${lambda(margin)} above its threshold`;
  return hold > 0
    ? `A state is left once lambda has stayed ${above} for ${span(hold)}.`
    : `A state is left once lambda is ${above}.`;
}

function remarks(seen: CollectionSeen, now: number): string[] {
  const found: string[] = [];
  if (seen.since !== null && seen.state !== null)
    found.push(`state ${seen.state} for ${span((now - seen.since) / 1000)}`);
  if (seen.sampled_at !== null) found.push(`sampled ${span((now - seen.sampled_at) / 1000)} ago`);
  if (seen.cooldown_until !== null && seen.cooldown_until > now)
    found.push(`cools down for ${span((seen.cooldown_until - now) / 1000)}`);
  if (!seen.enabled) found.push("healing is switched off");
  return found;
}

function explanationLink(seen: CollectionSeen, why: boolean, active: boolean): HTMLElement {
  const link = collectionLink(seen.name);
  return h(
    "p",
    { class: "links" },
    why
      ? h("a", { href: link }, "Hide the explanation")
      : h("a", { href: `${link}/why` }, explanationOffer(seen, active)),
  );
}

function explanationOffer({ verdict }: CollectionSeen, active: boolean): string {
  if (active) return "Explain what happens";
  return verdict === "critical" || verdict === "stress"
    ? "Explain why it is not healed"
    : "Explain why nothing happens";
}

const refusals = (seen: CollectionSeen, now: number): HTMLElement =>
  section(
    "What stands in the way",
    "refusals",
    h(
      "ul",
      { class: "refusals" },
      seen.refusals.map((one) => refusalItem(one, null, null, now)),
    ),
  );

const unmeasured = (detail: CollectionDetail): HTMLElement =>
  section(
    "What could not be measured",
    "unmeasured",
    h(
      "ul",
      { class: "plain" },
      detail.unmeasured.map(({ what, why: because, hint }) =>
        h(
          "li",
          {},
          h("strong", {}, what),
          `: ${because}. `,
          hint !== null && h("span", { class: "muted" }, hint),
        ),
      ),
    ),
  );
