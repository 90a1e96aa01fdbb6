/**
 * npm run bench [-- PART ... --list --json --quick --name bench --with KEY=VALUE]: what the product
 * costs, part by part (bench/parts/), held against its targets. The table goes to stdout, and with
 * JSON and plots to bench/out.
 */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../build/project.ts";
import { type Curve, curveSvg } from "./curves.ts";
import { type Bench, benchDatabase, printTable } from "./database.ts";
import type { Context, Part, Row } from "./part.ts";

const OUT = join(root, "bench/out");

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: "boolean", short: "h", default: false },
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    name: { type: "string", default: "bench" },
    with: { type: "string", multiple: true, default: [] },
  },
});

if (flags.help) {
  console.log(`npm run bench -- [parts] [options]: what the product costs (bench/README.md)

  --list         the parts
  --quick        smaller and fewer
  --json         the rows as JSON
  --name NAME    the throwaway server's
  --with WHAT    what a part takes besides (repeatable)`);
  process.exit(0);
}

interface Result {
  readonly part: string;
  readonly title: string;
  readonly target: string;
  readonly quick: boolean;
  readonly seconds: number;
  readonly machine: string;
  readonly rows: readonly Row[];
  /** It did not come to its end. */
  readonly error?: string;
}

async function allParts(): Promise<Part[]> {
  const files = (await readdir(join(root, "bench/parts"))).filter((file) => file.endsWith(".ts"));
  const parts: Part[] = [];
  for (const file of files.sort()) {
    const { default: part } = (await import(`./parts/${file}`)) as { default: Part };
    if (`${part?.name}.ts` !== file)
      throw new Error(`bench/parts/${file} has no part of its name as its default export`);
    parts.push(part);
  }
  return parts;
}

const digits = (value: number): string =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
const said = ({ value, note }: Row): string => (value === null ? (note ?? "-") : digits(value));
const metSaid = ({ met }: Row): string => (met === null ? "" : met ? "yes" : "NO");

const cells = (row: Row) => ({
  what: row.what,
  value: said(row),
  unit: row.unit,
  "from - to": row.spread ? row.spread.map(digits).join(" - ") : "",
  target: row.target ?? "",
  met: metSaid(row),
});

function markdown(results: readonly Result[]): string {
  return results
    .map(({ part, title, target, rows, seconds, machine, quick, error }) => {
      const table = rows.map((row) => `| ${Object.values(cells(row)).join(" | ")} |`);
      return [
        `## ${part}: ${title}\n\nTarget: ${target}.\n`,
        "| what | value | unit | from - to (quartiles) | target | met |\n|---|---|---|---|---|---|",
        ...table,
        `\n${machine}, ${Math.round(seconds)} s${quick ? ", --quick: not to be quoted" : ""}.`,
        ...(error === undefined ? [] : [`\nIt did not come to its end: ${error}`]),
      ].join("\n");
    })
    .join("\n\n");
}

function contextFor(part: Part, curves: Curve[], open: Bench[]): Context {
  return {
    quick: flags.quick,
    options: Object.fromEntries(
      flags.with.map((pair) => {
        const at = pair.indexOf("=");
        return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
      }),
    ),
    async database(settings = {}) {
      const database = `ruvector_bench_${part.name.replaceAll("-", "_")}`;
      const bench = await benchDatabase(flags.name, database, settings);
      open.push(bench);
      return bench;
    },
    plot: (curve) => void curves.push(curve),
    say: (line) => console.error(`${part.name}: ${line}`),
  };
}

async function runPart(part: Part): Promise<Result> {
  console.error(`${part.name}: ${part.title}`);
  const began = Date.now();
  const [curves, open]: [Curve[], Bench[]] = [[], []];
  let rows: readonly Row[] = [];
  let error: string | undefined;
  try {
    rows = await part.run(contextFor(part, curves, open));
  } catch (caught) {
    error = caught instanceof Error ? (caught.stack ?? caught.message) : String(caught);
    console.error(`${part.name}: ${error}`);
  }
  for (const bench of open) await bench.end().catch((failed: unknown) => console.error(failed));
  for (const curve of curves)
    await writeFile(join(OUT, `${part.name}-${curve.name}.svg`), curveSvg(curve));
  return {
    part: part.name,
    title: part.title,
    target: part.target,
    quick: flags.quick,
    seconds: (Date.now() - began) / 1000,
    machine: `${cpus().length} processors, node ${process.versions.node}`,
    rows,
    ...(error !== undefined && { error: error.split("\n", 1)[0]! }),
  };
}

const parts = await allParts();
const unknown = positionals.filter((name) => !parts.some((part) => part.name === name));
if (unknown.length > 0 || flags.list) {
  for (const { name, title } of parts) console.log(`${name.padEnd(16)} ${title}`);
  if (unknown.length > 0) console.error(`no such part: ${unknown.join(", ")}`);
  process.exit(unknown.length > 0 ? 2 : 0);
}
await mkdir(OUT, { recursive: true });
const results: Result[] = [];
for (const part of parts.filter(
  ({ name }) => positionals.length === 0 || positionals.includes(name),
)) {
  const result = await runPart(part);
  results.push(result);
  await writeFile(join(OUT, `${part.name}.json`), `${JSON.stringify(result, null, 1)}\n`);
  if (flags.json) continue;
  console.log(`\n${part.name}: ${part.title}`);
  printTable(result.rows.map(cells));
}
await writeFile(join(OUT, "bench.md"), `${markdown(results)}\n`);
await writeFile(join(OUT, "bench.json"), `${JSON.stringify(results, null, 1)}\n`);
if (flags.json) console.log(JSON.stringify(results, null, 1));
const missed = results.flatMap(({ rows }) => rows.filter(({ met }) => met === false)).length;
const failed = results.filter(({ error }) => error !== undefined).map(({ part }) => part);
console.error(
  `\nbench/out/bench.md, bench.json and plots; ${missed} of the targets are missed` +
    (failed.length > 0 ? `; not measured, as they failed: ${failed.join(", ")}` : ""),
);
process.exit(failed.length > 0 ? 1 : 0);
