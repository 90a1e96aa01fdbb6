/**
 * The functions of docs/sql.md, written from their COMMENT ON in sql/ and the levels in
 * sql/rights/levels.sql, so that page and `\df+` say the same.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./project.ts";
import { readLevels, type RoutineLevel } from "./rights-table.ts";
import { type Described, describedFunctions } from "./sql-functions.ts";

export const FUNCTIONS_PAGE = join(root, "docs/sql.md");
const BEGIN = "<!-- Below: written by npm run build from COMMENT ON in sql/. -->\n";

/** Folders of sql/ as a newcomer meets them; one that is not here comes last, by its own name. */
const SECTIONS: ReadonlyMap<string, string> = new Map([
  ["collections", "Collections"],
  ["configuration", "Settings"],
  ["schedule", "The schedule"],
  ["status", "What it does, and why"],
  ["report", "What happened, in words"],
  ["sensing", "What is sensed"],
  ["recall", "Recall and lists of vector indexes"],
  ["actions", "Actions by hand"],
  ["limits", "The circuit breaker"],
  ["loop", "The loop"],
  ["metrics", "Metrics"],
  ["rights", "Rights"],
  ["trust", "Whose code may run"],
  ["audit", "The audit trail"],
  ["actuators", "Actuators"],
  ["install", "Install and remove"],
]);

/** Where more is said than a comment can. */
const MORE: Readonly<Record<string, string>> = {
  ruvector_healing_verdict: "monitoring.md#the-verdict",
  ruvector_healing_report: "monitoring.md#a-report-in-words",
  ruvector_healing_metrics: "monitoring.md#metrics",
  ruvector_healing_breaker: "limits.md",
  ruvector_healing_feedback: "learning.md",
  ruvector_healing_resume: "architecture.md#one-collection-never-stops-another",
  ruvector_healing_configure: "configuration.md",
  ruvector_healing_forecasts: "control.md",
  ruvector_healing_approve: "control.md",
  ruvector_healing_actuator_report: "strategies/scale-replicas.md",
  ruvector_healing_audit_export: "audit.md",
  ruvector_healing_grant: "security.md",
  ruvector_healing_trust: "security.md#whose-code-may-run",
};

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "\\<");
const code = (text: string): string => `\`${text.replaceAll("|", "\\|")}\``;

function row({ name, call, what, example }: Described, levels: readonly RoutineLevel[]): string {
  const more = MORE[name] === undefined ? "" : ` ([more](${MORE[name]}))`;
  const level = levels.find(({ routine }) => routine === name)?.level ?? "owner";
  const shown = example === null ? "" : code(example);
  return `| ${code(call)} | ${cell(what)}${more} | ${shown} | ${level} |`;
}

export function functionSections(
  described: readonly Described[],
  levels: readonly RoutineLevel[],
): string {
  const subjects = new Set([...SECTIONS.keys(), ...described.map(({ subject }) => subject)]);
  return [...subjects]
    .map((subject) => ({ subject, rows: described.filter((one) => one.subject === subject) }))
    .filter(({ rows }) => rows.length > 0)
    .map(({ subject, rows }) =>
      [
        `## ${SECTIONS.get(subject) ?? subject}\n`,
        "| function | what it does | example | least level |",
        "|---|---|---|---|",
        ...rows.map((one) => row(one, levels)),
        "",
      ].join("\n"),
    )
    .join("\n");
}

/** Replaces all of the page below the line that says so. */
export async function withFunctions(page: string): Promise<string> {
  const start = page.indexOf(BEGIN);
  if (start < 0) throw new Error(`${FUNCTIONS_PAGE} has no line "${BEGIN.trim()}"`);
  const sections = functionSections(await describedFunctions(), await readLevels());
  return `${page.slice(0, start)}${BEGIN}\n${sections}`;
}

export async function writeFunctionsPage(): Promise<void> {
  const page = await readFile(FUNCTIONS_PAGE, "utf8");
  const current = await withFunctions(page);
  if (current !== page) await writeFile(FUNCTIONS_PAGE, current);
}
