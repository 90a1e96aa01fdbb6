/**
 * The table of metrics in docs/monitoring.md, written from the list so that it cannot say anything
 * else.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../project.ts";
import { FAMILIES } from "./families.ts";

export const MONITORING_PAGE = join(root, "docs/monitoring.md");

export function metricsTable(): string {
  const rows = FAMILIES.map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.join(", ")} | ${help.replaceAll("|", "\\|")} |`,
  );
  return ["| metric | type | labels | meaning |", "|---|---|---|---|", ...rows, ""].join("\n");
}

/** Replaces the table of the page, which is everything from its head line on. */
export function withMetricsTable(page: string): string {
  const start = page.indexOf("| metric | type |");
  if (start < 0) throw new Error(`${MONITORING_PAGE} has no table of metrics`);
  return page.slice(0, start) + metricsTable() + page.slice(start).replace(/^(\|.*\n)+/, "");
}

export async function writeMetricsTable(): Promise<void> {
  const page = await readFile(MONITORING_PAGE, "utf8");
  const current = withMetricsTable(page);
  if (current !== page) await writeFile(MONITORING_PAGE, current);
}
