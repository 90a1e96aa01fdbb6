/** lambda over time with the thresholds, the states below it and the actions behind it. */
import type { CollectionDetail } from "../../../status-data/collection.ts";
import type { OutcomeSeen } from "../../../status-data/documents.ts";
import { s } from "../dom.ts";
import { clock, lambda as lambdaText, zone as zoneName } from "../format.ts";

const STATES = ["normal", "stress", "critical"] as const;

type Reading = CollectionDetail["readings"][number];
type Scale = (value: number) => number;
type Thresholds = CollectionDetail["thresholds"];

/** Where the chart is drawn, and what of time and lambda comes where. */
interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly from: number;
  readonly now: number;
  readonly x: Scale;
  readonly y: Scale;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const within = (value: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, value));

function frameOf(now: number, minutes: number, { width, height }: Size): Frame {
  const box = { left: 30, right: width - 8, top: 14, bottom: height - 32 };
  const from = now - minutes * 60_000;
  const x = (at: number): number => {
    const share = (within(at, from, now) - from) / (now - from);
    return Number((box.left + share * (box.right - box.left)).toFixed(1));
  };
  const y = (value: number): number =>
    Number((box.top + (1 - within(value, 0, 1)) * (box.bottom - box.top)).toFixed(1));
  return { ...box, from, now, x, y };
}

export function lambdaChart(
  detail: CollectionDetail,
  actions: readonly OutcomeSeen[],
  now: number,
  size: Size,
): SVGElement {
  const { readings, thresholds, minutes } = detail;
  const frame = frameOf(now, minutes, size);
  const { x, y } = frame;
  const { width, height } = size;
  const shown = readings.filter(([at]) => at >= frame.from - 5000);
  // A group, not a picture: the actions in it are links.
  return s(
    "svg",
    {
      class: "chart",
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "group",
      "aria-label": summary(detail, shown),
    },
    zone(frame, "stress", thresholds.stress, thresholds.critical),
    zone(frame, "critical", thresholds.critical, 0),
    gridLines(frame, thresholds),
    actions
      .filter((one) => (one.finished_at ?? now) >= frame.from && one.created_at <= now)
      .map((one) => band(frame, one)),
    s("path", { class: "curve", d: curve(shown, x, y, minutes) }),
    last(shown, x, y),
    strip(shown, x, frame.bottom + 5),
    ticks(frame, height - 5, width),
  );
}

const zone = ({ left, right, y }: Frame, name: string, upper: number, lower: number): SVGElement =>
  s("rect", {
    class: `zone ${name}`,
    x: left,
    width: right - left,
    y: y(upper),
    height: y(lower) - y(upper),
  });

const gridLines = ({ left, right, y }: Frame, { stress, critical }: Thresholds): SVGElement[][] =>
  [1, stress, critical].map((value, place) => [
    s("line", {
      class: `grid ${["", "stress", "critical"][place]}`,
      x1: left,
      x2: right,
      y1: y(value),
      y2: y(value),
    }),
    s(
      "text",
      {
        class: "axis",
        "aria-hidden": "true",
        x: left - 6,
        y: y(value) + 4,
        "text-anchor": "end",
      },
      lambdaText(value),
    ),
  ]);

/** From the beginning of an action to its end. */
function band({ x, top, bottom, now }: Frame, action: OutcomeSeen): SVGElement {
  const { id, strategy, state, created_at, finished_at } = action;
  const [begins, ends] = [x(created_at), x(finished_at ?? now)];
  return s(
    "a",
    { href: `#/a/${id}`, "aria-label": `action ${id}, ${strategy}` },
    s("title", {}, `action ${id}: ${strategy}, ${state}`),
    s("rect", {
      class: "band",
      x: begins,
      width: Math.max(3, ends - begins),
      y: top - 8,
      height: bottom - top + 8,
      rx: 2,
    }),
  );
}

/** Broken where nothing was read for a while: a line across would claim that something was. */
function curve(readings: readonly Reading[], x: Scale, y: Scale, minutes: number): string {
  const gap = Math.max(30_000, (minutes * 60_000) / 40);
  let before: number | null = null;
  let path = "";
  for (const [at, value] of readings) {
    if (value !== null)
      path += `${before !== null && at - before <= gap ? "L" : "M"}${x(at)} ${y(value)}`;
    before = value === null ? null : at;
  }
  return path;
}

function last(readings: readonly Reading[], x: Scale, y: Scale): SVGElement | null {
  const [at, value, state] = readings[readings.length - 1] ?? [0, null, 0];
  return value === null
    ? null
    : s("circle", { class: `now ${STATES[state] ?? "normal"}`, cx: x(at), cy: y(value), r: 4 });
}

/** The state under each stretch of time. */
function strip(readings: readonly Reading[], x: Scale, top: number): SVGElement[] {
  const parts: SVGElement[] = [];
  for (let first = 0; first < readings.length;) {
    const [at, , state] = readings[first]!;
    let end = first;
    while (end + 1 < readings.length && readings[end + 1]![2] === state) end++;
    const until = readings[end + 1]?.[0] ?? readings[end]![0];
    parts.push(
      s("rect", {
        class: `strip ${STATES[state] ?? "normal"}`,
        x: x(at),
        width: Math.max(2, x(until) - x(at)),
        y: top,
        height: 4,
      }),
    );
    first = end + 1;
  }
  return parts;
}

function ticks({ from, now, x }: Frame, y: number, width: number): SVGElement[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360].map((minutes) => minutes * 60_000);
  const step =
    steps.find((one) => (now - from) / one <= Math.max(3, Math.floor(width / 90))) ?? 360 * 60_000;
  const zone = new Date(now).getTimezoneOffset() * 60_000;
  const marks: SVGElement[] = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= now; at += step) {
    // The name of the zone stands at the left.
    if (x(at) > x(from) + 34 && x(at) < x(now) - 10)
      marks.push(
        s(
          "text",
          { class: "axis", "aria-hidden": "true", x: x(at), y, "text-anchor": "middle" },
          clock(at),
        ),
      );
  }
  marks.push(
    s(
      "text",
      { class: "axis unit", "aria-hidden": "true", x: 0, y, "text-anchor": "start" },
      zoneName(now),
    ),
  );
  return marks;
}

function summary({ minutes }: CollectionDetail, readings: readonly Reading[]): string {
  const known = readings.filter(
    (reading): reading is readonly [number, number, number] => reading[1] !== null,
  );
  if (known.length === 0) return `lambda over the last ${minutes} minutes: no reading`;
  const lowest = known.reduce((least, one) => (one[1] < least[1] ? one : least));
  return (
    `lambda over the last ${minutes} minutes: lowest ${lambdaText(lowest[1])} at ` +
    `${clock(lowest[0])}, now ${lambdaText(known[known.length - 1]![1])}`
  );
}
