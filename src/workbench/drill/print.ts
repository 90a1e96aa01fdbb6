/** The drills' results as a table for people. */
import pc from "../../commands/colours.ts";
import { lambdaText } from "../../base/text.ts";
import type { DrillResult } from "./result.ts";

const seconds = (value: number | null): string => (value === null ? "-" : `${value.toFixed(1)} s`);

function rowsText({ rows }: DrillResult): string {
  if (rows === null) return "-";
  return rows.ok
    ? `${rows.rows} ok`
    : `${rows.missing} missing, ${rows.changed} changed, ${rows.doubled} doubled`;
}

function outcomeText({ ok, skipped }: DrillResult): string {
  if (ok) return "ok";
  return skipped ? "not run" : "FAILED";
}

const COLUMNS: readonly (readonly [string, (result: DrillResult) => string])[] = [
  ["fault", ({ drill }) => drill],
  ["sensed", (result) => seconds(result.sensed_after_seconds)],
  ["class", (result) => result.class ?? "-"],
  [
    "strategy",
    (result) => (result.strategy ?? "-") + (result.started_by === "asked for" ? " *" : ""),
  ],
  [
    "lambda",
    (result) => `${lambdaText(result.lambda_before)} -> ${lambdaText(result.lambda_reached)}`,
  ],
  ["foreseen", (result) => lambdaText(result.lambda_predicted)],
  ["healed", (result) => seconds(result.healed_after_seconds)],
  ["well", (result) => seconds(result.well_after_seconds)],
  ["undone", ({ undone }) => undone ?? "-"],
  ["rows", rowsText],
  ["", outcomeText],
];

/** Where "healed" went. */
const PARTS: readonly (readonly [string, (result: DrillResult) => string])[] = [
  ["time to the heal", ({ drill }) => drill],
  ["sensed", ({ parts }) => seconds(parts!.sensed)],
  ["confirmed", ({ parts }) => seconds(parts!.confirmed)],
  ["acted", ({ parts }) => seconds(parts!.acted)],
  ["stabilized", ({ parts }) => seconds(parts!.stabilized)],
  ["ticks beyond", ({ parts }) => parts!.ticks_beyond.toFixed(1)],
];

function partsTable(results: readonly DrillResult[]): string[] {
  const healed = results.filter(({ parts }) => parts !== null);
  if (healed.length === 0) return [];
  const [head, ...body] = columns([
    PARTS.map(([name]) => name),
    ...healed.map((result) => PARTS.map(([, of]) => of(result))),
  ]);
  return ["", pc.bold(head!), ...body];
}

/** Cells in columns, a line each. */
function columns(cells: readonly (readonly string[])[]): string[] {
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}

const ms = (value: number | null): string => (value === null ? "-" : `${value} ms`);

function latencyTable(results: readonly DrillResult[]): string[] {
  const timed = results.filter(({ latency }) => latency !== null);
  if (timed.length === 0) return [];
  const rows = timed.flatMap(({ drill, latency }) =>
    latency!.map((one) => [
      drill,
      one.phase,
      `${one.reads}`,
      ms(one.read_p50),
      ms(one.read_p99),
      `${one.writes}`,
      ms(one.write_p50),
      ms(one.write_p99),
    ]),
  );
  const [head, ...body] = columns([
    ["latency", "phase", "reads", "p50", "p99", "writes", "p50", "p99"],
    ...rows,
  ]);
  return ["", pc.bold(head!), ...body];
}

export function table(results: readonly DrillResult[]): string {
  const [head, ...body] = columns([
    COLUMNS.map(([name]) => name),
    ...results.map((result) => COLUMNS.map(([, of]) => of(result))),
  ]);
  const lines = [pc.bold(head!), ...body.map((row, place) => paint(results[place]!)(row))];
  lines.push(...partsTable(results), ...latencyTable(results));
  for (const { drill, problem } of results)
    if (problem !== null) lines.push(`${pc.red(drill)}: ${problem}`);
  for (const { drill, finding } of results)
    if (finding !== null) lines.push(`${pc.yellow(`${drill}: a finding`)}: ${finding}`);
  for (const { drill, load_errors } of results) {
    const errors = Object.entries(load_errors);
    if (errors.length > 0)
      lines.push(
        `${drill}: the load beside it met ` +
          `${errors.map(([code, times]) => `${times} x ${code}`).join(", ")}`,
      );
  }
  if (results.some(({ started_by }) => started_by === "asked for"))
    lines.push(
      "* asked for by name: the loop does not take it by itself under the default settings",
    );
  for (const { drill, settings } of results) {
    if (Object.keys(settings).length > 0)
      lines.push(pc.dim(`${drill} ran with ${JSON.stringify(settings)}`));
  }
  return lines.join("\n");
}

function paint({ ok, skipped }: DrillResult): (text: string) => string {
  if (ok) return (text) => text;
  return skipped ? pc.yellow : pc.red;
}
