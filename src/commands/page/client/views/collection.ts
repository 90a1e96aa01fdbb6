import type { CollectionDetail } from "../../../reading/collection.ts";
import type { Scene, SceneGroup } from "../../../reading/scene.ts";
import type { Overview } from "../../../reading/seen.ts";
import { lambdaChart } from "../charts/lambda.ts";
import { type Child, h } from "../dom.ts";
import { lambda, localTimes, plural, span } from "../format.ts";
import { graph, pictureHeight } from "../graph/draw.ts";
import { mark } from "../marks.ts";
import { collectionLink, databaseNow, type Model } from "../model.ts";
import { explanation } from "./explanation.ts";
import {
  activeCard,
  capitalized,
  outcomes,
  recommendationCard,
  refusalItem,
  section,
  toneOf,
} from "./parts.ts";

export const SPANS: readonly (readonly [number, string])[] = [
  [15, "15 min"],
  [60, "1 h"],
  [360, "6 h"],
  [1440, "24 h"],
];

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
  const tone = toneOf(seen);
  const own = overview.outcomes.filter((one) => one.collection === name);
  const active = overview.active.filter((one) => one.collection === name);
  const detail = model.detail?.name === name ? model.detail : null;
  return [
    back,
    h(
      "div",
      { class: "subject" },
      h("h1", { class: "title" }, mark(tone, 22), h("bdi", {}, name)),
      h(
        "p",
        { class: "reading" },
        h("span", { class: "figure huge" }, lambda(seen.lambda)),
        h("span", { class: "muted" }, " lambda"),
        h("span", { class: `state ${tone}` }, seen.verdict),
        seen.since !== null &&
          seen.state !== null &&
          h(
            "span",
            { class: "muted" },
            `state ${seen.state} for ${span((now - seen.since) / 1000)}`,
          ),
        seen.sampled_at !== null &&
          h("span", { class: "muted" }, `sampled ${span((now - seen.sampled_at) / 1000)} ago`),
        seen.cooldown_until !== null &&
          seen.cooldown_until > now &&
          h(
            "span",
            { class: "muted" },
            `cools down for ${span((seen.cooldown_until - now) / 1000)}`,
          ),
        !seen.enabled && h("span", { class: "muted" }, "healing is switched off"),
      ),
      seen.verdict !== "healthy" &&
        h("p", { class: "muted" }, `${capitalized(localTimes(seen.sentence))}.`),
    ),
    active.map((one) => activeCard(one, now)),
    overview.recommendations
      .filter((one) => one.collection === name)
      .map((one) => recommendationCard(one, `${collectionLink(name)}/why`, now)),
    h(
      "p",
      { class: "links" },
      why
        ? h("a", { href: collectionLink(name) }, "Hide the explanation")
        : h(
            "a",
            { href: `${collectionLink(name)}/why` },
            active.length > 0
              ? "Explain what happens"
              : seen.verdict !== "critical" && seen.verdict !== "stress"
                ? "Explain why nothing happens"
                : "Explain why it is not healed",
          ),
    ),
    why &&
      h(
        "section",
        { class: "explained", "aria-label": "Explanation", "data-key": "why" },
        explanation(model, `collection ${name}`),
      ),
    detail
      ? pictures(model, detail, overview, now)
      : h("p", { class: "muted" }, model.notFound ?? "Reading…"),
    !why &&
      seen.refusals.length > 0 &&
      section(
        "What stands in the way",
        "refusals",
        h(
          "ul",
          { class: "refusals" },
          seen.refusals.map((one) => refusalItem(one, null, null, now)),
        ),
      ),
    section("Actions of the last seven days", "outcomes", outcomes(own.slice(0, 20), false, now)),
    !why &&
      detail !== null &&
      detail.unmeasured.length > 0 &&
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
      ),
  ];
}

const KINDS: Readonly<Record<SceneGroup["type"], readonly [string, string]>> = {
  partition: ["partition", "partitions"],
  centroid: ["list", "lists"],
  shard: ["server", "servers"],
  maintenance_dep: ["kind of maintenance", "kinds of maintenance"],
  replication_target: ["replica", "replicas"],
};

/** "1 server, 8 partitions, 4 kinds of maintenance" */
function contents({ groups }: Scene): string {
  const sizes = new Map<SceneGroup["type"], number>();
  for (const { type, size } of groups) sizes.set(type, (sizes.get(type) ?? 0) + size);
  return [...sizes].map(([type, size]) => plural(size, ...KINDS[type])).join(", ");
}

function pictures(model: Model, detail: CollectionDetail, overview: Overview, now: number): Child {
  const two = model.width >= 980;
  const wide = two ? Math.floor((model.width - 40) / 2) : model.width;
  const scene = detail.scene;
  const undrawn = detail.missing.find(({ what }) => what === "ruvector_contracted_graph");
  return h(
    "div",
    { class: "pictures", "data-key": "pictures" },
    h(
      "section",
      { "aria-labelledby": "chart" },
      h(
        "div",
        { class: "heading" },
        h("h2", { id: "chart" }, "lambda over time"),
        h(
          "div",
          { class: "spans", role: "group", "aria-label": "how much of it" },
          SPANS.map(([minutes, text]) =>
            h(
              "button",
              {
                type: "button",
                "data-minutes": minutes,
                "aria-pressed": String(minutes === model.minutes),
              },
              text,
            ),
          ),
        ),
      ),
      lambdaChart(
        detail,
        overview.outcomes.filter((one) => one.collection === detail.name),
        now,
        wide,
        two ? pictureHeight(wide) : 240,
      ),
    ),
    h(
      "section",
      { "aria-labelledby": "graph" },
      h("h2", { id: "graph" }, "Contracted graph"),
      scene
        ? graph(scene, wide)
        : h("p", { class: "muted" }, `It cannot be drawn: ${undrawn?.why ?? "there is none"}.`),
      scene &&
        h(
          "p",
          { class: "caption muted" },
          `${contents(scene)}; ${plural(scene.total_edges, "edge")}. `,
          detail.cut.length > 0
            ? "The dashed line is the minimum cut; coloured edges cross it."
            : "No edge of the minimum cut is weak.",
        ),
      detail.cut.length > 0 &&
        h(
          "details",
          { class: "cut-list" },
          h("summary", {}, "The cut in words"),
          h(
            "ul",
            { class: "plain" },
            detail.cut.map((line) => h("li", {}, line)),
          ),
        ),
    ),
  );
}
