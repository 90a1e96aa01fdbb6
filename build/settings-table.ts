/**
 * The table of settings in docs/configuration.md, written from the definitions so that it cannot
 * say anything else.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SETTINGS } from "./definitions.ts";
import { root } from "./project.ts";

export const CONFIGURATION_PAGE = join(root, "docs/configuration.md");

const cell = (text: string): string => text.replaceAll("|", "\\|");

export function settingsTable(): string {
  const rows = SETTINGS.map(({ key, default: value, unit, min, max, description }) => {
    const range = min === undefined ? unit : `${min} to ${max} (${unit})`;
    return `| \`${key}\` | \`${JSON.stringify(value)}\` | ${cell(range)} | ${cell(description)} |`;
  });
  return ["| key | default | range | meaning |", "|---|---|---|---|", ...rows, ""].join("\n");
}

/** Replaces the table of the page, which is everything from its head line on. */
export function withTable(page: string): string {
  const start = page.indexOf("| key | default |");
  if (start < 0) throw new Error(`${CONFIGURATION_PAGE} has no table of settings`);
  const after = page.slice(start).replace(/^(\|.*\n)+/, "");
  return page.slice(0, start) + settingsTable() + after;
}

export async function writeSettingsTable(): Promise<void> {
  const page = await readFile(CONFIGURATION_PAGE, "utf8");
  const current = withTable(page);
  if (current !== page) await writeFile(CONFIGURATION_PAGE, current);
}
