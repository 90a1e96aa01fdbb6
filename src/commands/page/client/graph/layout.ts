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

/**
 * How far in healthy nodes stand, and how far out those that are cut off; with none of those there
 * is room above and below. To the sides it is that of the labels.
 */
const RING = 0.72;
const ALL = 0.92;
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
  const parts = partsOf(groups, scene);
  const upright = scene.nodes.some(({ cut }) => cut) ? RING : ALL;
  const top = topPart(scene, parts);
  const along = alongEllipse(reach.x * RING, reach.y * upright);
  for (const [node, part] of parts) {
    const angle = along(part - top);
    const [x, y] = scene.nodes[node]!.cut ? [OUT, OUT] : [RING, upright];
    placed[node] = {
      x: centre.x + Math.cos(angle) * reach.x * x,
      y: centre.y + Math.sin(angle) * reach.y * y,
      r: radius(scene.nodes[node]!),
      angle,
    };
  }
  return { width, height, nodes: placed, cuts: circles(scene, placed) };
}

/**
 * How far round the server, 0 to 1: group by group with a gap between; a node that is wider has
 * more room.
 */
function partsOf(
  groups: readonly (readonly number[])[],
  scene: Scene,
): ReadonlyMap<number, number> {
  const roomOf = (node: number): number => (radius(scene.nodes[node]!) + 3) / 10;
  const sizes = groups.map((group) => group.reduce((sum, node) => sum + roomOf(node), 0));
  const gap = groups.length > 1 ? 1.2 : 0;
  const slots = sizes.reduce((sum, size) => sum + Math.max(1.5, size) + gap, 0);
  const parts = new Map<number, number>();
  let slot = 0;
  groups.forEach((group, index) => {
    const stretch = Math.max(1, 1.5 / Math.max(0.1, sizes[index]!));
    for (const node of group) {
      const room = roomOf(node) * stretch;
      parts.set(node, (slot + room / 2) / Math.max(1, slots));
      slot += room;
    }
    slot += gap;
  });
  return parts;
}

/** The angle after a part of the way round from the top: equal parts are equally long. */
function alongEllipse(x: number, y: number): (part: number) => number {
  const STEPS = 360;
  const angleAt = (step: number): number => (step / STEPS - 0.25) * 2 * Math.PI;
  const way = [0];
  for (let step = 1; step <= STEPS; step++) {
    const [a, b] = [angleAt(step - 1), angleAt(step)];
    const [dx, dy] = [(Math.cos(b) - Math.cos(a)) * x, (Math.sin(b) - Math.sin(a)) * y];
    way.push(way[step - 1]! + Math.hypot(dx, dy));
  }
  return (part) => {
    const wanted = (part - Math.floor(part)) * way[STEPS]!;
    const step = Math.max(
      1,
      way.findIndex((gone) => gone >= wanted),
    );
    const [before, after] = [way[step - 1]!, way[step]!];
    return angleAt(step - 1 + (wanted - before) / Math.max(1e-9, after - before));
  };
}

/** Moves the marked members to the middle of the list; the order of each kind stays. */
function centreOn(group: number[], marked: (node: number) => boolean): void {
  const inside = group.filter(marked);
  if (inside.length === 0) return;
  const others = group.filter((node) => !marked(node));
  const half = Math.ceil(others.length / 2);
  group.splice(0, group.length, ...others.slice(0, half), ...inside, ...others.slice(half));
}

/** What stands at the top: what is cut off, else the first node. */
function topPart(scene: Scene, parts: ReadonlyMap<number, number>): number {
  const cut = [...parts].filter(([node]) => scene.nodes[node]!.cut).map(([, part]) => part);
  const wanted = cut.length > 0 ? cut : [...parts.values()].slice(0, 1);
  return wanted.reduce((sum, part) => sum + part, 0) / Math.max(1, wanted.length);
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
