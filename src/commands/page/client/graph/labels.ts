/**
 * Where the labels of the graph go: none lies over another, over a node, or outside the picture.
 * The most important come first; of what has no room the text is shortened to what its neighbours
 * are not called, too, then left out (the node keeps it as its title). Pure numbers, given how wide
 * a text is.
 */
import type { SceneNode } from "../../../status-data/scene.ts";
import type { Placed } from "./layout.ts";

export type Measure = (text: string, hot: boolean) => number;

export interface Label {
  readonly node: number;
  readonly anchor: "start" | "middle" | "end";
  readonly x: number;
  /** The base line of its first line. */
  readonly y: number;
  readonly lines: readonly string[];
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** So far apart are the lines of one label. */
export const LINE = 15;
const ASCENT = 12;
const DESCENT = 4;
/** Between a label and what is beside it. */
const AIR = 2;

export const shorten = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`;

/** What tells partitions and lists apart stands at the end of their names mostly. */
const end = (text: string, most: number): string =>
  text.length <= most ? text : `…${text.slice(1 - most)}`;

/** `public.embeddings_p3` -> `embeddings_p3`: the schema says the same of all. */
export const plain = (label: string): string =>
  label.replace(/^(?:"(?:[^"]|"")*"|[^".]+)\.(?=.)/, "");

type Way = (text: string, most: number) => string;

/**
 * A name's end or its beginning, the first of these ways in which no other name of its kind looks
 * the same; null: none is.
 */
export function told(
  text: string,
  most: number,
  others: ReadonlySet<string>,
  ways: readonly Way[] = [end, shorten],
): string | null {
  const alone = (way: Way): boolean =>
    [...others].every((other) => other === text || way(other, most) !== way(text, most));
  return ways.find(alone)?.(text, most) ?? null;
}

const apart = (a: Box, b: Box): boolean =>
  a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;

export function boxOf(label: Label, hot: boolean, measure: Measure): Box {
  const width = Math.max(...label.lines.map((line) => measure(line, hot)));
  const left = { start: label.x, middle: label.x - width / 2, end: label.x - width }[label.anchor];
  return {
    left: left - AIR,
    right: left + width + AIR,
    top: label.y - ASCENT - AIR,
    bottom: label.y + (label.lines.length - 1) * LINE + DESCENT + AIR,
  };
}

const circle = ({ x, y, r }: Placed): Box => ({
  left: x - r,
  right: x + r,
  top: y - r,
  bottom: y + r,
});

const rank = ({ cut, type, count, health }: SceneNode): number =>
  (cut ? 0 : 8) + (type === "shard" ? 0 : 4) + (count > 1 ? 0 : 2) + Math.min(1, health);

export function placeLabels(
  nodes: readonly SceneNode[],
  placed: readonly Placed[],
  size: { readonly width: number; readonly height: number },
  measure: Measure,
): readonly Label[] {
  const taken: Box[] = placed.map(circle);
  const labels: Label[] = [];
  const names = new Map<SceneNode["type"], Set<string>>();
  for (const node of nodes)
    names.set(node.type, (names.get(node.type) ?? new Set()).add(nameOf(node)));
  const order = nodes.map((_, index) => index).sort((a, b) => rank(nodes[a]!) - rank(nodes[b]!));
  const fits = (box: Box): boolean =>
    box.left >= 0 &&
    box.top >= 0 &&
    box.right <= size.width &&
    box.bottom <= size.height &&
    taken.every((other) => apart(box, other));
  for (const index of order) {
    const node = nodes[index]!;
    const texts = textsOf(node, names.get(node.type)!);
    for (const label of wishes(node, index, placed[index]!, texts)) {
      const box = boxOf(label, node.cut, measure);
      if (!fits(box)) continue;
      labels.push(label);
      taken.push(box);
      break;
    }
  }
  return labels;
}

// A replica's name is a host's: nothing of it is a schema.
const nameOf = ({ what, type, label }: SceneNode): string =>
  what ?? (type === "replication_target" ? label : plain(label));

/** From the longest to the shortest; each with its lines. */
function textsOf(node: SceneNode, names: ReadonlySet<string>): readonly (readonly string[])[] {
  const name = nameOf(node);
  // Of many nodes in one: their number stands in it, their kind beside it.
  if (node.what !== null) return [[name], [name.slice(0, name.lastIndexOf(" "))]];
  const most = node.cut ? 34 : 22;
  // Hosts of one domain differ at their beginning.
  const ways = node.type === "replication_target" ? [shorten, end] : [end, shorten];
  const short = [most, 14, 9].flatMap((room) => told(name, room, names, ways) ?? []);
  const notes = node.cut ? node.notes.slice(0, 1).map((note) => shorten(note, most)) : [];
  // What is cut off has a name, and be it one that others have.
  if (node.cut && short.length === 0) short.push(end(name, most), end(name, 9));
  const lines = short.map((text) => [text]);
  return notes.length === 0 || lines.length === 0 ? lines : [[...lines[0]!, ...notes], ...lines];
}

/** Each of its texts at every place that is near its node. */
function* wishes(
  node: SceneNode,
  index: number,
  placed: Placed,
  texts: readonly (readonly string[])[],
): Generator<Label> {
  for (const lines of texts)
    for (const place of around(node, placed, lines.length)) yield { node: index, lines, ...place };
}

type Place = Pick<Label, "anchor" | "x" | "y">;

/**
 * Outwards of the node, seen from the middle, then further out. Inwards go the edges of all: there
 * stands only what must have a name.
 */
function* around(node: SceneNode, { x, y, r, angle }: Placed, lines: number): Generator<Place> {
  const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
  const tall = (lines - 1) * LINE;
  const hub = node.type === "shard";
  for (const more of [0, 14]) {
    const out = r + (node.cut ? 20 : 8) + more;
    const above: Place = { anchor: "middle", x, y: y - out - 2 - tall };
    const below: Place = { anchor: "middle", x, y: y + out + ASCENT - 2 };
    const right: Place = { anchor: "start", x: x + out, y: y + 4 - tall / 2 };
    const left: Place = { anchor: "end", x: x - out, y: y + 4 - tall / 2 };
    const outwards: Place = {
      anchor: dx > 0 ? "start" : "end",
      x: x + dx * out,
      y: y + dy * (out - 2) + 4 - tall / 2,
    };
    const [side, other] = dx > 0 ? [right, left] : [left, right];
    const [upright, opposite] = dy < 0 && !hub ? [above, below] : [below, above];
    if (Math.abs(dx) >= 0.2 && !node.cut && !hub) yield outwards;
    // Above and below go the edges to what is cut off.
    yield* Math.abs(dx) >= 0.3 && !node.cut && !hub ? [side, upright] : [upright, side];
    if (node.cut || hub) yield* [opposite, other];
  }
}
