/** The contracted graph with the minimum cut. */
import type { Scene, SceneEdge, SceneNode } from "../../../status-data/scene.ts";
import { s } from "../dom.ts";
import { percent, plural } from "../format.ts";
import { layout, type Placed } from "./layout.ts";
import { HEALTH_AT_CRITICAL, isWeak } from "../../../../graph/health.ts";

function toneOf(health: number): string {
  if (!isWeak(health)) return "normal";
  return health >= HEALTH_AT_CRITICAL ? "stress" : "critical";
}

const shorten = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`;

/** `public.embeddings_p3` -> `embeddings_p3`: the schema says the same of all. */
const plain = (label: string): string => label.replace(/^(?:"(?:[^"]|"")*"|[^".]+)\.(?=.)/, "");

export const pictureHeight = (width: number): number =>
  Math.max(300, Math.min(420, Math.round(width * 0.72)));

export function graph(scene: Scene, width: number): SVGElement {
  const height = pictureHeight(width);
  const { nodes, cuts } = layout(scene, width, height);
  const named = width >= 480 && scene.nodes.length <= 20;
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
    scene.nodes.map((node, index) =>
      label(
        node,
        nodes[index]!,
        width,
        named || node.cut || node.count > 1 || node.type === "shard",
      ),
    ),
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

function label(node: SceneNode, placed: Placed, width: number, shown: boolean): SVGElement | null {
  if (!shown) return null;
  return node.type === "shard" ? hubLabel(node, placed) : nodeLabel(node, placed, width);
}

const hubLabel = (node: SceneNode, { x, y, r }: Placed): SVGElement =>
  s(
    "text",
    {
      class: "label quiet",
      x: x.toFixed(1),
      y: (y + r + 16).toFixed(1),
      "text-anchor": "middle",
    },
    shorten(plain(node.label), 20),
  );

/** So far apart are the lines of one label. */
const LINE = 15;

function nodeLabel(node: SceneNode, placed: Placed, width: number): SVGElement {
  const text = node.what ?? plain(node.label);
  const lines = [text, ...(node.cut ? node.notes.slice(0, 1) : [])];
  // The label of what is cut off stands outside of the dashed circle, and within the picture.
  const most = node.cut ? 34 : 22;
  const longest = Math.min(most, Math.max(...lines.map(({ length }) => length)));
  const { anchor, x, y } = labelPlace(node, placed, lines.length);
  const half = anchor === "middle" ? longest * 3.4 : 0;
  const inside = Math.min(width - half - 4, Math.max(half + 4, x)).toFixed(1);
  return s(
    "text",
    {
      class: node.cut ? "label hot" : "label",
      x: inside,
      y: y.toFixed(1),
      "text-anchor": anchor,
    },
    lines.map((one, place) =>
      s(
        "tspan",
        { x: inside, dy: place === 0 ? 0 : LINE, class: place === 0 ? "" : "note" },
        shorten(one, most),
      ),
    ),
  );
}

interface LabelPlace {
  readonly anchor: "start" | "middle" | "end";
  readonly x: number;
  readonly y: number;
}

/** Outwards of the node, seen from the middle. */
function labelPlace({ cut }: SceneNode, { x, y, r, angle }: Placed, lines: number): LabelPlace {
  const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
  const out = r + (cut ? 20 : 8);
  // Beside each other at the bottom, upright labels would lie over one another.
  if (Math.abs(dx) >= 0.2 && !cut)
    return { anchor: dx > 0 ? "start" : "end", x: x + dx * out, y: y + (dy * 6 + 4) };
  return { anchor: "middle", x, y: y + (dy < 0 ? -out - 4 - (lines - 1) * LINE : out + 12) };
}

function summary(scene: Scene): string {
  const cut = scene.nodes.filter((node) => node.cut);
  const size = `${plural(scene.total_nodes, "node")} and ${plural(scene.total_edges, "edge")}`;
  if (cut.length === 0) return `The contracted graph: ${size}; no edge of the minimum cut is weak`;
  return `The contracted graph: ${size}; the minimum cut separates ${cut
    .map(({ label: name }) => name)
    .slice(0, 4)
    .join(", ")}${cut.length > 4 ? " and others" : ""}`;
}
