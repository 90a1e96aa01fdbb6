/** The result for people: a line for each shape, then what is not as it should be. */
import pc from "../../src/commands/colours.ts";
import type { ShapeResult } from "./run.ts";

const COLUMNS: readonly (readonly [string, (result: ShapeResult) => string])[] = [
  ["shape", ({ shape }) => shape],
  ["rows", ({ rows }) => String(rows)],
  ["lowest lambda", ({ lowest_lambda }) => lowest_lambda?.toFixed(3) ?? "-"],
  ["verdicts", ({ verdicts }) => verdicts.join(", ") || "-"],
  ["actions", ({ actions }) => String(actions.length)],
  [
    "with a true fault",
    ({ fault }) =>
      fault === null ? "-" : `${fault.class ?? "nothing"} at ${fault.lambda?.toFixed(2) ?? "-"}`,
  ],
  ["", ({ ok, skipped }) => (skipped ? "not run" : ok ? "ok" : "FAILED")],
];

export function table(results: readonly ShapeResult[]): string {
  const cells = [
    COLUMNS.map(([name]) => name),
    ...results.map((result) => COLUMNS.map(([, of]) => of(result))),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const [head, ...body] = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  const lines = [
    pc.bold(head!),
    ...body.map((line, place) =>
      results[place]!.skipped ? pc.yellow(line) : results[place]!.ok ? line : pc.red(line),
    ),
  ];
  for (const { shape, problems } of results)
    for (const problem of problems) lines.push(`${shape}: ${problem}`);
  const run = results.filter(({ skipped }) => !skipped);
  lines.push(
    `${run.length} shapes, ${run.filter(({ ok }) => !ok).length} not left alone or not ` +
      `sensed, ${results.length - run.length} not run`,
  );
  return lines.join("\n");
}
