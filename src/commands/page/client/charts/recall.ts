/** Recall over the depth of a search, the present point marked; each with its cost as a title. */
import { s } from "../dom.ts";
import type { CurvePoint } from "../model.ts";

const HEIGHT = 200;
const BOX = { left: 44, right: 16, top: 28, bottom: 40 };

type Measured = CurvePoint & { readonly recall: number };

interface Frame {
  readonly right: number;
  readonly bottom: number;
  /** Where the axis of recall begins. */
  readonly low: number;
  readonly x: (value: number) => number;
  readonly y: (recall: number) => number;
}

function frameOf(known: readonly Measured[], width: number): Frame {
  const values = known.map(({ value }) => Math.log(Math.max(1, value)));
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const worst = Math.min(1, ...known.map(({ recall }) => recall));
  const low = Math.max(0, Math.floor((worst - 0.02) * 10) / 10);
  const [right, bottom] = [width - BOX.right, HEIGHT - BOX.bottom];
  return {
    right,
    bottom,
    low,
    // Depths double: so does each step to the right.
    x: (value) =>
      most === least
        ? (BOX.left + right) / 2
        : BOX.left + ((Math.log(Math.max(1, value)) - least) / (most - least)) * (right - BOX.left),
    y: (recall) => BOX.top + ((1 - recall) / (1 - low)) * (bottom - BOX.top),
  };
}

const text = (at: number, line: number, anchor: string, words: string | number): SVGElement =>
  s(
    "text",
    {
      class: "axis",
      "aria-hidden": "true",
      x: at.toFixed(1),
      y: line.toFixed(1),
      "text-anchor": anchor,
    },
    words,
  );

export function recallChart(points: readonly CurvePoint[], width: number): SVGElement {
  const known = points
    .filter((one): one is Measured => one.recall !== null)
    .sort((a, b) => a.value - b.value);
  const frame = frameOf(known, width);
  const { right, x, y, low } = frame;
  const path = known.map(
    (one, place) =>
      `${place === 0 ? "M" : "L"}${x(one.value).toFixed(1)} ${y(one.recall).toFixed(1)}`,
  );
  return s(
    "svg",
    {
      class: "chart recall",
      width,
      height: HEIGHT,
      viewBox: `0 0 ${width} ${HEIGHT}`,
      role: "img",
      "aria-label": known
        .map((one) => `${one.value}: ${one.recall.toFixed(3)}${one.current ? " (now)" : ""}`)
        .join(", "),
    },
    [1, (1 + low) / 2, low].map((recall) => [
      s("line", { class: "grid", x1: BOX.left, x2: right, y1: y(recall), y2: y(recall) }),
      text(BOX.left - 6, y(recall) + 4, "end", Number(recall.toFixed(2))),
    ]),
    s("path", { class: "curve", d: path.join("") }),
    known.map((one) => point(one, frame)),
    depths(known, frame),
    text((BOX.left + right) / 2, HEIGHT - 4, "middle", known[0]?.setting ?? ""),
    text(0, 12, "start", "recall"),
  );
}

const point = (one: Measured, { x, y }: Frame): SVGElement =>
  s(
    "circle",
    {
      class: one.current ? "now normal" : "point",
      cx: x(one.value).toFixed(1),
      cy: y(one.recall).toFixed(1),
      r: one.current ? 6 : 3,
    },
    s("title", {}, titleOf(one)),
  );

/** Those that are too near to the one before say nothing. */
function depths(known: readonly Measured[], { x, bottom }: Frame): SVGElement[] {
  let last = -Infinity;
  return known.flatMap((one) => {
    const at = x(one.value);
    if (at - last < 34) return [];
    last = at;
    return [text(at, bottom + 16, "middle", one.value)];
  });
}

const titleOf = ({ setting, value, recall, ms, blocks, note }: Measured): string =>
  [
    `${setting} ${value}: recall ${recall.toFixed(3)}`,
    ms === null ? null : `${Number(ms.toPrecision(2))} ms`,
    blocks === null ? null : `${Math.round(blocks)} blocks a search`,
    note,
  ]
    .filter((part) => part !== null)
    .join(", ");
