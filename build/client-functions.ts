/**
 * src/client/functions.ts: the SQL functions as TypeScript has them, written from sql/, so that no
 * function, argument or column is missing there or called otherwise.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SETTINGS } from "./definitions.ts";
import { root } from "./project.ts";
import { readLevels } from "./rights-table.ts";
import {
  type Argument,
  type Column,
  type Described,
  describedFunctions,
  typedFunctions,
} from "./sql-functions.ts";

export const CLIENT_FUNCTIONS = join(root, "src/client/functions.ts");

/** jsonb whose keys are known: src/client/documents.ts. */
const DOCUMENTS: Readonly<Record<string, string>> = {
  "register.options": "RegisterOptions",
  "execute.params": "ExecuteParams",
  "integrityReport.report": "Report",
  "configure.settings": "SettingChanges",
  "feedback.score": "number | null",
  configure: "Changed",
  register: "Registration",
  trigger: "Answer",
  execute: "Answer",
  rollback: "Answer",
  approve: "Answer",
  reject: "Answer",
  abort: "Answer",
  integrityGate: "Gate",
};

const TYPES: Readonly<Record<string, string>> = {
  text: "string",
  "text[]": "readonly string[]",
  "bigint[]": "readonly number[]",
  boolean: "boolean",
  smallint: "number",
  integer: "number",
  bigint: "number",
  real: "number",
  numeric: "number",
  "double precision": "number",
  timestamptz: "string",
  interval: "string",
  jsonb: "Json",
};

function typeOf(sqlType: string, where: string): string {
  const type = TYPES[sqlType];
  if (type === undefined) throw new Error(`${where}: what is ${sqlType} to TypeScript?`);
  return type;
}

/** ruvector_healing_breaker_close -> breakerClose, ruvector_integrity_gate -> integrityGate. */
const method = (name: string): string =>
  name
    .replace(/^ruvector_(healing_)?/, "")
    .replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** limit_ is limit: the underscore keeps SQL's own words apart. */
const key = (name: string): string => name.replace(/_$/, "");

const inputType = (one: Argument, of: string): string =>
  DOCUMENTS[`${of}.${one.name}`] ??
  (one.type === "timestamptz" ? "string | Date" : typeOf(one.type, `${of}.${one.name}`));

/** What is a time, and where an overload takes a text how long ago it is, too. */
function timeComment({ name, type }: Argument, typed: ReadonlySet<string>, of: string): string {
  if (type !== "timestamptz") return "";
  const ago = typed.has(`${of}.${name}`) ? 'or how long ago: "7 days"' : "as a text or a Date";
  return `    /** A time, ${ago}. */\n`;
}

function inputs(one: Described, typed: ReadonlySet<string>): string {
  const of = method(one.name);
  const listed = one.arguments.map(
    (given) =>
      timeComment(given, typed, of) +
      `    readonly ${key(given.name)}${given.optional ? "?" : ""}: ${inputType(given, of)};`,
  );
  return listed.length === 0 ? "Readonly<Record<string, never>>" : `{\n${listed.join("\n")}\n  }`;
}

/** A sentence as a comment of at most 100 columns. */
function comment(text: string, indent: string): string {
  const lines: string[] = [];
  for (const word of text.replaceAll("*/", "* /").split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && `${indent} * ${last} ${word}`.length <= 98)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return `${indent}/**\n${lines.map((one) => `${indent} * ${one}`).join("\n")}\n${indent} */`;
}

const rowName = (of: string): string => `${of[0]!.toUpperCase()}${of.slice(1)}Row`;

const isTable = (returns: Described["returns"]): returns is readonly Column[] =>
  Array.isArray(returns);

function result(one: Described): string {
  const of = method(one.name);
  if (one.returns === null) return "void";
  if (isTable(one.returns)) return `readonly ${rowName(of)}[]`;
  if (one.returns.startsWith("SETOF ")) return `readonly ${typeOf(one.returns.slice(6), of)}[]`;
  if (one.returns !== "jsonb") return typeOf(one.returns, of);
  return DOCUMENTS[of] ?? "Document";
}

const rows = (one: Described): string =>
  isTable(one.returns)
    ? `export interface ${rowName(method(one.name))} {\n${one.returns
        .map(({ name, type }) => `  readonly ${key(name)}: ${typeOf(type, name)} | null;`)
        .join("\n")}\n}\n`
    : "";

/**
 * What may be given together: of an overload all that it needs and nothing that it has not. Empty
 * where one takes whatever there is, and needs none of it.
 */
function together(overloads: readonly Described[], known: ReadonlySet<string>): string[] {
  const calls = overloads
    .map((one) => one.arguments)
    .filter((given) => given.every(({ name }) => known.has(name)));
  const all = (given: readonly Argument[]): boolean =>
    given.length === known.size && given.every(({ needed }) => !needed);
  if (calls.some(all)) return [];
  const listed = calls.map((given) => {
    const keys = (some: readonly Argument[]): string =>
      JSON.stringify(some.map(({ name }) => key(name))).replaceAll(",", ", ");
    return `{ takes: ${keys(given)}, needs: ${keys(given.filter(({ needed }) => needed))} }`;
  });
  return ["    calls: [", ...listed.map((one) => `      ${one},`), "    ],"];
}

/** How it is called: in schema ruvector, where nobody else creates, but for what everybody may. */
function runtime(
  overloads: readonly Described[],
  everybody: ReadonlySet<string>,
  typed: ReadonlySet<string>,
  asTyped: readonly Described[],
): string {
  const [one] = overloads as readonly [Described];
  const kind = (): string => {
    if (one.returns === null) return "procedure";
    if (isTable(one.returns)) return "rows";
    return one.returns.startsWith("SETOF ") ? "values" : "value";
  };
  // Of overloads that differ in an argument's type the one that takes a text reads most.
  const every = overloads.flatMap((each) => each.arguments);
  const given = new Map(
    [...every, ...every.filter(({ type }) => type === "text")].map((arg) => [arg.name, arg]),
  );
  const listed = [...given.values()].map(({ name, type, variadic }) => {
    const taken = typed.has(`${method(one.name)}.${name}`) ? "text" : type;
    const sql = `${variadic ? "VARIADIC " : ""}${name} => $::${taken}`;
    return `      ${key(name)}: ${JSON.stringify(sql)},`;
  });
  // A procedure has no twin.
  const schema = everybody.has(one.name) || one.returns === null ? "public" : "ruvector";
  // Columns with an underscore that keeps SQL's words apart.
  const renamed = isTable(one.returns)
    ? one.returns.filter(({ name }) => key(name) !== name).map(({ name }) => JSON.stringify(name))
    : [];
  return [
    `  ${method(one.name)}: {`,
    `    sql: "${schema}.${one.name}",`,
    `    kind: "${kind()}",`,
    ...(listed.length === 0 ? ["    arguments: {},"] : ["    arguments: {", ...listed, "    },"]),
    ...(renamed.length === 0 ? [] : [`    renamed: [${renamed.join(", ")}],`]),
    ...together(
      [...overloads, ...asTyped.filter(({ name }) => name === one.name)],
      new Set(given.keys()),
    ),
    "  },",
  ].join("\n");
}

/** Of a setting, by its default. */
function settingType(value: unknown): string {
  if (!Array.isArray(value)) return typeof value === "object" ? "Document" : typeof value;
  const of = typeof value[0];
  return `readonly ${of === "number" || of === "string" ? of : "Json"}[]`;
}

function settings(): string {
  const lines = SETTINGS.map(({ key: name, default: value, unit, description }) => {
    const about = comment(`${description} (${unit}; ${JSON.stringify(value)})`, "  ");
    return `${about}\n  readonly ${name}: ${settingType(value)};`;
  });
  return [
    "/** Every setting: docs/configuration.md. */",
    "export interface Settings {",
    ...lines,
    "}",
    "/** null takes a setting back to what it inherits. */",
    "export type SettingChanges = {",
    "  readonly [K in keyof Settings]?: Settings[K] | null;",
    "};\n",
  ].join("\n");
}

export async function clientFunctions(): Promise<string> {
  const described = await describedFunctions();
  const everybody = new Set(
    (await readLevels()).filter(({ level }) => level === "everybody").map(({ routine }) => routine),
  );
  const all = [...new Set(described.map(({ name }) => name))].map(
    (name) => described.filter((one) => one.name === name) as [Described, ...Described[]],
  );
  // Times that an overload takes as they are typed, and needs nothing before them.
  const asTyped = await typedFunctions();
  const typed = new Set(
    asTyped
      .filter(({ arguments: [first] }) => first?.name === "since")
      .map(({ name }) => `${method(name)}.since`),
  );
  const about = ([one]: [Described, ...Described[]]): string =>
    comment(one.example === null ? one.what : `${one.what}: ${one.example}`, "  ");
  const argumentsOf = (one: [Described, ...Described[]]): string => {
    const taken = [...new Set(one.map((each) => inputs(each, typed)))].join(" | ");
    return `${about(one)}\n  readonly ${method(one[0].name)}: ${taken};`;
  };
  return `// Made by npm run build from sql/: do not edit.
import type {
  Answer,
  Changed,
  Document,
  ExecuteParams,
  Gate,
  Json,
  RegisterOptions,
  Registration,
  Report,
} from "./documents.ts";

${settings()}
${all
  .map(([one]) => rows(one))
  .filter((text) => text !== "")
  .join("\n")}
/** What each function takes. */
export interface Arguments {
${all.map(argumentsOf).join("\n")}
}

/** What each function answers. */
export interface Results {
${all.map(([one]) => `  readonly ${method(one.name)}: ${result(one)};`).join("\n")}
}

export const FUNCTIONS = {
${all.map((one) => runtime(one, everybody, typed, asTyped)).join("\n")}
} as const;
`;
}

export async function writeClientFunctions(): Promise<void> {
  const current = await readFile(CLIENT_FUNCTIONS, "utf8").catch(() => "");
  const made = await clientFunctions();
  if (made !== current) await writeFile(CLIENT_FUNCTIONS, made);
}
