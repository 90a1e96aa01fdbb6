/**
 * Where the nodes of a scene go: the server in the middle, its groups on an ellipse around it, what
 * the minimum cut takes off pushed out of the ring, to the top, where its name has room. Pure
 * numbers: no screen is needed to test it.
 */
import type { Scene, SceneNode } from "../../../status-data/scene.ts";

export interface Placed {
  readonly x: number;
  readonly y: number;
  readonly r: number;
  /** From the middle to the node; where its label goes. */
  readonly angle: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly Placed[];
  /** Circles around what is cut off. */
  readonly cuts: readonly { readonly x: number; readonly y: number; readonly r: number }[];
}

/** How far in healthy nodes stand, and how far out those that are cut off. */
const RING = 0.72;
const OUT = 1;

export function radius({ type, count }: SceneNode): number {
  if (type === "shard") return 15;
  return count > 1 ? Math.min(26, 9 + Math.sqrt(count)) : 7;
}

export function layout(scene: Scene, width: number, height: number): Layout {
  const centre = { x: width / 2, y: height / 2 + 8 };
  const reach = { x: Math.max(60, Math.min(width / 2 - 64, 330)), y: height / 2 - 52 };
  const placed: Placed[] = scene.nodes.map((node) => ({ ...centre, r: radius(node), angle: 0 }));
  const hubs = scene.groups.filter(({ type }) => type === "shard").flatMap(({ nodes }) => nodes);
  hubs.forEach((node, place) => {
    placed[node] = {
      x: centre.x + (place - (hubs.length - 1) / 2) * 44,
      y: centre.y,
      r: radius(scene.nodes[node]!),
      angle: Math.PI / 2,
    };
  });
  const groups = scene.groups.filter(({ type }) => type !== "shard").map(({ nodes }) => [...nodes]);
  // What is cut off comes to the middle of its group, so that it is one piece.
  for (const group of groups) centreOn(group, (node) => scene.nodes[node]!.cut);
  const gaps = groups.length > 1 ? groups.length : 0;
  const slots = groups.reduce((sum, group) => sum + Math.max(1.5, group.length), 0) + gaps * 1.2;
  const step = (2 * Math.PI) / Math.max(1, slots);
  let slot = 0;
  const angles = new Map<number, number>();
  for (const group of groups) {
    const room = Math.max(1.5, group.length);
    group.forEach((node, place) =>
      angles.set(node, (slot + ((place + 0.5) * room) / group.length) * step),
    );
    slot += room + (gaps > 0 ? 1.2 : 0);
  }
  const turn = -Math.PI / 2 - topAngle(scene, angles);
  for (const [node, at] of angles) {
    const angle = at + turn;
    const out = scene.nodes[node]!.cut ? OUT : RING;
    placed[node] = {
      x: centre.x + Math.cos(angle) * reach.x * out,
      y: centre.y + Math.sin(angle) * reach.y * out,
      r: radius(scene.nodes[node]!),
      angle,
    };
  }
  return { width, height, nodes: placed, cuts: circles(scene, placed) };
}

/** Moves the marked members to the middle of the list; the order of each kind stays. */
function centreOn(group: number[], marked: (node: number) => boolean): void {
  const inside = group.filter(marked);
  if (inside.length === 0) return;
  const others = group.filter((node) => !marked(node));
  const half = Math.ceil(others.length / 2);
  group.splice(0, group.length, ...others.slice(0, half), ...inside, ...others.slice(half));
}

/** The angle to turn to the top: of what is cut off, else of the first node. */
function topAngle(scene: Scene, angles: ReadonlyMap<number, number>): number {
  const cut = [...angles].filter(([node]) => scene.nodes[node]!.cut).map(([, angle]) => angle);
  const wanted = cut.length > 0 ? cut : [...angles.values()].slice(0, 1);
  return wanted.reduce((sum, angle) => sum + angle, 0) / Math.max(1, wanted.length);
}

/** One circle for each run of neighbours that are cut off together. */
function circles(scene: Scene, placed: readonly Placed[]): Layout["cuts"] {
  const cut = scene.nodes.flatMap((node, index) =>
    node.cut && node.type !== "shard" ? [placed[index]!] : [],
  );
  if (cut.length === 0) return [];
  const middle = {
    x: cut.reduce((sum, { x }) => sum + x, 0) / cut.length,
    y: cut.reduce((sum, { y }) => sum + y, 0) / cut.length,
  };
  const around =
    Math.max(...cut.map(({ x, y, r }) => Math.hypot(x - middle.x, y - middle.y) + r)) + 13;
  // Far apart they are not one piece of the picture, whatever they are in the graph.
  if (around < 130) return [{ ...middle, r: around }];
  return cut.map(({ x, y, r }) => ({ x, y, r: r + 11 }));
}
