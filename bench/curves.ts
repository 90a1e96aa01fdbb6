/** How a cost grows, as SVG: both axes in powers of ten, so that an exponent is a slope. */
import { exponentOf } from "./measure.ts";

export interface Curve {
  /** Of the file: bench/out/PART-NAME.svg. */
  readonly name: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly { readonly x: number; readonly y: number }[];
  }[];
}

/** Told apart in greys too: by dashes. */
const STYLES = [
  ["#0a7d4b", ""],
  ["#c2410c", "6 3"],
  ["#3b5bdb", "2 3"],
  ["#666", "8 2 2 2"],
] as const;
const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [640, 380, 70, 44, 46] as const;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** A whole number of powers of ten that holds all values. */
function range(values: readonly number[]): { from: number; to: number } {
  const from = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  return { from, to: Math.max(from + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9)) };
}

export function curveSvg({ title, x: xLabel, y: yLabel, series }: Curve): string {
  const shown = series.map(({ name, points }) => ({
    name,
    points: points.filter(({ x, y }) => x > 0 && y > 0),
  }));
  const all = shown.flatMap(({ points }) => points);
  if (all.length === 0) throw new Error(`nothing to plot of "${title}"`);
  const [xs, ys] = [range(all.map(({ x }) => x)), range(all.map(({ y }) => y))];
  const x = (value: number): number =>
    LEFT + ((Math.log10(value) - xs.from) / (xs.to - xs.from)) * (WIDTH - LEFT - 20);
  const y = (value: number): number =>
    TOP + (1 - (Math.log10(value) - ys.from) / (ys.to - ys.from)) * (HEIGHT - TOP - BOTTOM);
  const text = (at: string, what: string): string =>
    `<text ${at} fill="#444">${escaped(what)}</text>`;
  const powers = ({ from, to }: { from: number; to: number }): number[] =>
    Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
  const grid = [
    ...powers(ys).flatMap((power) => [
      `<path d="M${LEFT} ${y(power)}H${WIDTH - 20}" stroke="#ddd"/>`,
      text(`x="${LEFT - 6}" y="${y(power) + 4}" text-anchor="end"`, power.toLocaleString("en")),
    ]),
    ...powers(xs).flatMap((power) => [
      `<path d="M${x(power)} ${TOP}V${HEIGHT - BOTTOM}" stroke="#ddd"/>`,
      text(
        `x="${x(power)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle"`,
        power.toLocaleString("en"),
      ),
    ]),
  ];
  const lines = shown.flatMap(({ name, points }, i) => {
    const [colour, dashes] = STYLES[i % STYLES.length]!;
    const path = points.map((point) => `${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`);
    const slope = points.length > 1 ? `, exponent ${exponentOf(points).toFixed(2)}` : "";
    return [
      `<path d="M${path.join("L")}" fill="none" stroke="${colour}" stroke-width="2" ` +
        `stroke-dasharray="${dashes}"/>`,
      ...points.map(
        (point) => `<circle cx="${x(point.x)}" cy="${y(point.y)}" r="3" fill="${colour}"/>`,
      ),
      `<path d="M${LEFT + 12} ${TOP + 14 + 16 * i}h26" stroke="${colour}" stroke-width="2" ` +
        `stroke-dasharray="${dashes}"/>`,
      text(`x="${LEFT + 44}" y="${TOP + 18 + 16 * i}"`, name + slope),
    ];
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
    `font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="#fff"/>\n` +
    [
      `<text x="${LEFT}" y="20" font-weight="bold">${escaped(title)}</text>`,
      text(`x="${LEFT}" y="36"`, yLabel),
      text(`x="${WIDTH - 20}" y="${HEIGHT - 10}" text-anchor="end"`, xLabel),
      ...grid,
      ...lines,
    ].join("\n") +
    "\n</svg>\n"
  );
}
