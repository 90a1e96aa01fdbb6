/**
 * The functions of docs/sql.md, written from their COMMENT ON in sql/ and the levels in
 * sql/rights/levels.sql, so that page and `\df+` say the same.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./project.ts";
import { readLevels, type RoutineLevel } from "./rights-table.ts";
import { readSources, type Source } from "./script.ts";

export const FUNCTIONS_PAGE = join(root, "docs/sql.md");
const BEGIN = "<!-- Below: written by npm run build from COMMENT ON in sql/. -->\n";

/** Folders of sql/ as a newcomer meets them; one that is not here comes last, by its own name. */
const SECTIONS: ReadonlyMap<string, string> = new Map([
  ["collections", "Collections"],
  ["configuration", "Settings"],
  ["schedule", "The schedule"],
  ["status", "What it does, and why"],
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

export interface Described {
  /** The folder of sql/ that it stands in. */
  readonly subject: string;
  readonly name: string;
  /** As one writes it: `name(collection, [limit_])`, what has a default in brackets. */
  readonly call: string;
  readonly what: string;
  readonly example: string | null;
}

/** Text from an opening parenthesis to the one that closes it, without them. */
function within(text: string, start: number): string {
  let depth = 0;
  for (let place = start; place < text.length; place++) {
    if (text[place] === "(") depth++;
    if (text[place] === ")" && --depth === 0) return text.slice(start + 1, place);
  }
  throw new Error(`a parenthesis stays open after: ${text.slice(start, start + 60)}`);
}

/** Parts of a list of arguments: commas within parentheses and texts are none between them. */
function parts(list: string): string[] {
  const found = list.match(/(?:[^,'(]|'[^']*'|\([^)]*\))+/g) ?? [];
  return found.map((one) => one.trim()).filter((one) => one !== "");
}

const argument = (part: string): string => {
  const name = /^(?:VARIADIC\s+)?(\w+)/.exec(part)![1]!;
  return /\bDEFAULT\b/.test(part) ? `[${name}]` : name;
};

const literal = (text: string): string =>
  [...text.matchAll(/'((?:[^']|'')*)'/g)].map(([, piece]) => piece!.replaceAll("''", "'")).join("");

/** "What it does: SELECT ...; more" as its parts. */
function read(comment: string): Pick<Described, "what" | "example"> {
  const found = /^(.*?): ((?:SELECT|CALL|psql|\.\.\. DEFAULT) .*?)(;(?:\s+(.*))?)?$/s.exec(comment);
  if (found === null) return { what: comment, example: null };
  const [, what, example, end, rest] = found as unknown as [
    string,
    string,
    string,
    string?,
    string?,
  ];
  const after = rest?.replace(/\.$/, "");
  return {
    what: after === undefined ? what : `${what}; ${after[0]!.toLowerCase()}${after.slice(1)}`,
    example: end === undefined ? example : `${example};`,
  };
}

const COMMENT =
  /^COMMENT ON (?:FUNCTION|PROCEDURE) public\.(\w+)\(([^)]*)\)\s+IS\s+((?:'(?:[^']|'')*'\s*)+);/gm;

/** @throws Error naming a function of schema public without a comment */
export function describedIn({ path, text }: Source): Described[] {
  const made = [...text.matchAll(/^CREATE OR REPLACE (?:FUNCTION|PROCEDURE) public\.(\w+)\(/gm)];
  const comments = new Map(
    [...text.matchAll(COMMENT)].map(([, name, types, said]) => [
      `${name}/${parts(types!).length}`,
      literal(said!),
    ]),
  );
  return made.map(({ 0: head, 1: name, index }) => {
    const list = parts(within(text, index + head.length - 1));
    const comment = comments.get(`${name}/${list.length}`);
    if (comment === undefined) throw new Error(`sql/${path}: ${name} has no COMMENT ON`);
    const call = `${name}(${list.map(argument).join(", ")})`;
    return { subject: path.split("/")[0]!, name: name!, call, ...read(comment) };
  });
}

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

export const describedFunctions = async (): Promise<Described[]> =>
  (await readSources()).flatMap(describedIn);

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
