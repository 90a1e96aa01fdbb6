/** The contracted graph with the minimum cut. */
import type { Scene, SceneEdge, SceneNode } from "../../../status-data/scene.ts";
import { s } from "../dom.ts";
import { percent, plural } from "../format.ts";
import { type Label, LINE, type Measure, placeLabels } from "./labels.ts";
import { layout, type Placed } from "./layout.ts";
import { HEALTH_AT_CRITICAL, isWeak } from "../../../../graph/health.ts";

function toneOf(health: number): string {
  if (!isWeak(health)) return "normal";
  return health >= HEALTH_AT_CRITICAL ? "stress" : "critical";
}

export const pictureHeight = (width: number): number =>
  Math.max(300, Math.min(420, Math.round(width * 0.72)));

export function graph(scene: Scene, width: number): SVGElement {
  const height = pictureHeight(width);
  const { nodes, cuts } = layout(scene, width, height);
  const labels = placeLabels(scene.nodes, nodes, { width, height }, widthOf);
  return s(
    "svg",
    {
      class: "graph",
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": summary(scene),
    },
    // What is cut is drawn last, on top.
    s(
      "g",
      {},
      scene.edges.filter(({ cut }) => !cut).map((edge) => line(edge, nodes)),
    ),
    s(
      "g",
      {},
      scene.edges.filter(({ cut }) => cut).map((edge) => line(edge, nodes)),
    ),
    cuts.map(({ x, y, r }) =>
      s("circle", { class: "cut", cx: x.toFixed(1), cy: y.toFixed(1), r: r.toFixed(1) }),
    ),
    scene.nodes.map((node, index) => circle(node, nodes[index]!)),
    labels.map((one) => text(one, scene.nodes[one.node]!)),
  );
}

function line({ a, b, health, cut }: SceneEdge, placed: readonly Placed[]): SVGElement {
  const [p, q] = [placed[a]!, placed[b]!];
  const weak = isWeak(health);
  const crossing = cut && weak ? "crossing " : "";
  return s("line", {
    class: `edge ${crossing}${weak ? toneOf(health) : ""}`,
    x1: p.x.toFixed(1),
    y1: p.y.toFixed(1),
    x2: q.x.toFixed(1),
    y2: q.y.toFixed(1),
    "stroke-width": cut && weak ? (1 + 2 * health).toFixed(2) : 1,
  });
}

function circle(node: SceneNode, { x, y, r }: Placed): SVGElement {
  const note = node.notes.length === 0 ? "" : `: ${node.notes.join("; ")}`;
  const left = isWeak(node.health) ? ` (${percent(node.health)} of its capacity is left)` : "";
  const measured = node.measured ? "" : " (not measured)";
  const title = s("title", {}, `${node.label}${note}${left}${measured}`);
  const shape =
    node.type === "shard"
      ? s("rect", {
          x: (x - r).toFixed(1),
          y: (y - r).toFixed(1),
          width: 2 * r,
          height: 2 * r,
          rx: 5,
        })
      : s("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: (node.cut ? r + 2 : r).toFixed(1) });
  return s(
    "g",
    {
      class:
        `node ${node.type === "shard" ? "hub" : toneOf(node.health)} ` +
        `${node.measured ? "" : "unmeasured"}`,
    },
    title,
    shape,
    node.count > 1 &&
      s(
        "text",
        { class: "count", x: x.toFixed(1), y: (y + 4).toFixed(1), "text-anchor": "middle" },
        node.count,
      ),
  );
}

function text({ x, y, anchor, lines }: Label, node: SceneNode): SVGElement {
  const at = x.toFixed(1);
  const kind = node.type === "shard" ? "label quiet" : "label";
  return s(
    "text",
    { class: node.cut ? "label hot" : kind, x: at, y: y.toFixed(1), "text-anchor": anchor },
    lines.map((one, place) =>
      s("tspan", { x: at, dy: place === 0 ? 0 : LINE, class: place === 0 ? "" : "note" }, one),
    ),
  );
}

let paper: CanvasRenderingContext2D | null | undefined;

/** As wide as the page's own font makes it (page.css: .graph). */
const widthOf: Measure = (words, hot) => {
  paper ??= document.createElement("canvas").getContext("2d");
  if (!paper) return words.length * (hot ? 9 : 7.5);
  paper.font = `${hot ? "600 14px" : "12px"} ${getComputedStyle(document.body).fontFamily}`;
  return paper.measureText(words).width;
};

function summary(scene: Scene): string {
  const cut = scene.nodes.filter((node) => node.cut);
  const size = `${plural(scene.total_nodes, "node")} and ${plural(scene.total_edges, "edge")}`;
  if (cut.length === 0) return `The contracted graph: ${size}; no edge of the minimum cut is weak`;
  return `The contracted graph: ${size}; the minimum cut separates ${cut
    .map(({ label: name }) => name)
    .slice(0, 4)
    .join(", ")}${cut.length > 4 ? " and others" : ""}`;
}
