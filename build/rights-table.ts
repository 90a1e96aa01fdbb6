/**
 * The table of rights in docs/security.md, written from sql/rights/levels.sql so
 * that it cannot say anything else.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./project.ts";

export const SECURITY_PAGE = join(root, "docs/security.md");
const LEVELS_FILE = join(root, "sql/rights/levels.sql");
const LEVELS = ["viewer", "operator", "admin", "actuator"] as const;
const HEAD = `| function | ${LEVELS.join(" | ")} |`;

export interface RoutineLevel {
  readonly routine: string;
  readonly level: (typeof LEVELS)[number] | "everybody" | "installer" | "table_owner" | "owner";
  readonly byTenant: boolean;
}

export async function readLevels(): Promise<RoutineLevel[]> {
  const text = await readFile(LEVELS_FILE, "utf8");
  return [...text.matchAll(/^ {2}\('(\w+)', '(\w+)', (true|false)\),?$/gm)].map(
    ([, routine, level, byTenant]) => ({
      routine: routine!,
      level: level as RoutineLevel["level"],
      byTenant: byTenant === "true",
    }),
  );
}

/** Whether a role of a level may execute what asks for another. */
function may(level: (typeof LEVELS)[number], wanted: RoutineLevel["level"]): boolean {
  if (wanted === "everybody") return true;
  if (level === "actuator" || wanted === "actuator") return level === wanted;
  return (
    LEVELS.indexOf(wanted as never) >= 0 && LEVELS.indexOf(wanted as never) <= LEVELS.indexOf(level)
  );
}

/** A cell of the table: a viewer of one tenant may read what is filtered by tenant. */
function cell(column: (typeof LEVELS)[number], { level, byTenant }: RoutineLevel): string {
  if (!may(column, level)) return "";
  return column === "viewer" && byTenant ? "yes, by tenant too" : "yes";
}

export function rightsTable(levels: readonly RoutineLevel[]): string {
  const rows = levels
    .filter(({ routine }) => routine.startsWith("ruvector_"))
    .map(
      (one) => `| \`${one.routine}\` | ${LEVELS.map((column) => cell(column, one)).join(" | ")} |`,
    );
  return [HEAD, `|---${"|---".repeat(LEVELS.length)}|`, ...rows, ""].join("\n");
}

/** Replaces the table of the page. */
export function withRights(page: string, levels: readonly RoutineLevel[]): string {
  const start = page.indexOf(HEAD);
  if (start < 0) throw new Error(`${SECURITY_PAGE} has no table of rights`);
  return page.slice(0, start) + rightsTable(levels) + page.slice(start).replace(/^(\|.*\n)+/, "");
}

export async function writeRightsTable(): Promise<void> {
  const page = await readFile(SECURITY_PAGE, "utf8");
  const current = withRights(page, await readLevels());
  if (current !== page) await writeFile(SECURITY_PAGE, current);
}
