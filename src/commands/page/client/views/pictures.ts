/** The two pictures of a collection: lambda over time, and its contracted graph. */
import type { CollectionDetail } from "../../../status-data/collection.ts";
import type { Scene, SceneGroup } from "../../../status-data/scene.ts";
import type { OutcomeSeen } from "../../../status-data/documents.ts";
import { lambdaChart } from "../charts/lambda.ts";
import { type Child, h } from "../dom.ts";
import { plural } from "../format.ts";
import { graph, pictureHeight } from "../graph/draw.ts";
import type { Model } from "../model.ts";

const SPANS: readonly (readonly [number, string])[] = [
  [15, "15 min"],
  [60, "1 h"],
  [360, "6 h"],
  [1440, "24 h"],
];

const KINDS: Readonly<Record<SceneGroup["type"], readonly [string, string]>> = {
  partition: ["partition", "partitions"],
  centroid: ["list", "lists"],
  shard: ["server", "servers"],
  maintenance_dep: ["kind of maintenance", "kinds of maintenance"],
  replication_target: ["replica", "replicas"],
  vector_index: ["vector index", "vector indexes"],
};

/** "1 server, 8 partitions, 4 kinds of maintenance" */
function contents({ groups }: Scene): string {
  const sizes = new Map<SceneGroup["type"], number>();
  for (const { type, size } of groups) sizes.set(type, (sizes.get(type) ?? 0) + size);
  return [...sizes].map(([type, size]) => plural(size, ...KINDS[type])).join(", ");
}

/** @param own the actions on this collection */
export function pictures(
  model: Model,
  detail: CollectionDetail,
  own: readonly OutcomeSeen[],
  now: number,
): Child {
  const two = model.width >= 980;
  const width = two ? Math.floor((model.width - 40) / 2) : model.width;
  const height = two ? pictureHeight(width) : 240;
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
        spanButtons(model.minutes),
      ),
      lambdaChart(detail, own, now, { width, height }),
    ),
    h(
      "section",
      { "aria-labelledby": "graph" },
      h("h2", { id: "graph" }, "Contracted graph"),
      graphPicture(detail, width),
      detail.cut.length > 0 && cutInWords(detail.cut),
    ),
  );
}

const spanButtons = (chosen: number): HTMLElement =>
  h(
    "div",
    { class: "spans", role: "group", "aria-label": "how much of it" },
    SPANS.map(([minutes, text]) =>
      h(
        "button",
        {
          type: "button",
          "data-minutes": minutes,
          "aria-pressed": String(minutes === chosen),
        },
        text,
      ),
    ),
  );

function graphPicture({ scene, cut, missing }: CollectionDetail, width: number): Child {
  if (!scene) {
    const undrawn = missing.find(({ what }) => what === "ruvector_contracted_graph");
    return h("p", { class: "muted" }, `It cannot be drawn: ${undrawn?.why ?? "there is none"}.`);
  }
  return [
    graph(scene, width),
    h(
      "p",
      { class: "caption muted" },
      `${contents(scene)}; ${plural(scene.total_edges, "edge")}. `,
      cut.length > 0
        ? "The dashed line is the minimum cut; coloured edges cross it."
        : "No edge of the minimum cut is weak.",
    ),
  ];
}

const cutInWords = (cut: readonly string[]): HTMLElement =>
  h(
    "details",
    { class: "cut-list" },
    h("summary", {}, "The cut in words"),
    h(
      "ul",
      { class: "plain" },
      cut.map((line) => h("li", {}, line)),
    ),
  );
