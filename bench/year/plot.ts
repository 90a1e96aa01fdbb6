/** Lines over days as SVG, some panels below and beside each other. */

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly day: number; readonly value: number }[];
}

export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
  /** Days on which something was done, and what. */
  readonly marks: readonly { readonly day: number; readonly what: string }[];
  /** From 0 where left out. */
  readonly lowest?: number;
  readonly highest?: number;
}

/** Told apart in greys too: by dashes. */
const STYLES = [
  'stroke="#0a7d4b" stroke-width="2"',
  'stroke="#c2410c" stroke-width="1.5"',
  'stroke="#3b5bdb" stroke-width="1" stroke-dasharray="5 2"',
  'stroke="#666" stroke-width="1" stroke-dasharray="2 2"',
];
const [WIDTH, HEIGHT, LEFT, TOP] = [560, 220, 56, 34] as const;
const [INNER_WIDTH, INNER_HEIGHT] = [WIDTH - LEFT - 16, HEIGHT - TOP - 30] as const;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
const short = (value: number): string => String(Number(value.toPrecision(3)));

function panel({ title, series, marks, lowest = 0, highest }: Panel): string {
  const values = series.flatMap(({ points }) => points.map(({ value }) => value));
  const days = series.flatMap(({ points }) => points.map(({ day }) => day));
  const most = highest ?? 1.05 * Math.max(...values);
  const last = Math.max(1, ...days);
  const x = (day: number): string => (LEFT + (INNER_WIDTH * day) / last).toFixed(1);
  const y = (value: number): string =>
    (TOP + INNER_HEIGHT * (1 - (value - lowest) / (most - lowest || 1))).toFixed(1);
  const label = (at: string, text: string): string => `<text ${at} fill="#444">${text}</text>`;
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => {
    const value = lowest + share * (most - lowest);
    return [
      `<path d="M${LEFT} ${y(value)}h${INNER_WIDTH}" stroke="#ddd"/>`,
      label(`x="${LEFT - 6}" y="${Number(y(value)) + 4}" text-anchor="end"`, short(value)),
      label(
        `x="${x(share * last)}" y="${HEIGHT - 12}" text-anchor="${share < 1 ? "middle" : "end"}"`,
        `day ${Math.round(share * last)}`,
      ),
    ];
  });
  const lines = series.map(({ points }, i) => {
    const path = points.map(({ day, value }) => `${x(day)} ${y(value)}`).join("L");
    return `<path d="M${path}" fill="none" ${STYLES[i % STYLES.length]!}/>`;
  });
  const done = marks.map(
    ({ day, what }) =>
      `<path d="M${x(day)} ${TOP}v${INNER_HEIGHT}" stroke="#0a7d4b" stroke-opacity="0.35">` +
      `<title>day ${day}: ${escaped(what)}</title></path>`,
  );
  return [
    label(`x="${LEFT}" y="${TOP - 12}" font-weight="bold"`, escaped(title)),
    ...grid,
    ...done,
    ...lines,
  ].join("\n");
}

/** @param columns panels beside each other */
export function plot(panels: readonly Panel[], columns: number, caption: string): string {
  const rows = Math.ceil(panels.length / columns);
  const [width, height] = [columns * WIDTH, rows * HEIGHT + 56];
  const names = panels[0]?.series.map(({ name }) => name) ?? [];
  const legend = names.map(
    (name, i) =>
      `<path d="M${LEFT + i * 200} ${height - 34}h28" fill="none" ${STYLES[i % STYLES.length]!}/>` +
      `<text x="${LEFT + i * 200 + 34}" y="${height - 30}">${escaped(name)}</text>`,
  );
  const placed = panels.map(
    (one, i) =>
      `<g transform="translate(${(i % columns) * WIDTH} ${Math.floor(i / columns) * HEIGHT})">\n` +
      `${panel(one)}\n</g>`,
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
    `font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="#fff"/>\n` +
    `${[...placed, ...legend].join("\n")}\n` +
    `<text x="${LEFT}" y="${height - 10}" fill="#444">${escaped(caption)}</text>\n</svg>\n`
  );
}
