/**
 * The catalogue: a file of SQL for each shape, with a head of comments and sections.
 * docs/testing.md says how to add one.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { root } from "../../build/project.ts";
import { PROBLEM_CLASSES, type ProblemClass } from "../../src/model/problem.ts";

/**
 * A true fault: what the loop must call it, and the statements that cause it, or a way of its own
 * (faults.ts).
 */
export interface ShapeFault {
  readonly class: ProblemClass;
  readonly statements: readonly string[];
}

export interface Shape {
  /** The file's name, and of the schema that it is made in. */
  readonly name: string;
  readonly about: string;
  /** The table that is registered. */
  readonly collection: string;
  /** Given at registration; a new user gives none. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Extension that it needs. */
  readonly needs: string | null;
  /** SQLSTATE with which registration refuses the table. */
  readonly refused: string | null;
  readonly tables: readonly string[];
  readonly load: readonly string[];
  readonly everyHour: readonly string[];
  /** By hour, 0 to 23. */
  readonly at: Readonly<Record<number, readonly string[]>>;
  readonly fault: ShapeFault | null;
}

const FOLDER = join(root, "test/shapes/catalogue");
const HEAD = ["collection", "options", "needs", "refused"] as const;

export function readShapes(only: readonly string[] = []): Shape[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".sql"))
    .sort()
    .map((file) => parseShape(basename(file, ".sql"), readFileSync(join(FOLDER, file), "utf8")))
    .filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part)));
}

/** @throws Error that names the file and what is wrong in it */
export function parseShape(name: string, text: string): Shape {
  const wrong = (what: string): never => {
    throw new Error(`test/shapes/catalogue/${name}.sql: ${what}`);
  };
  const [head = "", ...parts] = text.split(/^-- \[(?=.+\]$)/m);
  const comments = head
    .split("\n")
    .filter((line) => line.startsWith("-- "))
    .map((line) => line.slice(3));
  const given = new Map(
    comments.flatMap((line) => {
      const [, key, value] = /^([a-z]+): (.+)$/.exec(line) ?? [];
      return key !== undefined && (HEAD as readonly string[]).includes(key)
        ? [[key, value!.trim()] as const]
        : [];
    }),
  );
  const about = comments
    .filter((line) => !HEAD.some((key) => line.startsWith(`${key}: `)))
    .join(" ");
  const sections = new Map(
    parts.map((part) => {
      const end = part.indexOf("]\n");
      return [part.slice(0, end), statementsOf(part.slice(end + 2))] as const;
    }),
  );
  const take = (title: string): readonly string[] => {
    const found = sections.get(title) ?? [];
    sections.delete(title);
    return found;
  };
  const titled = (pattern: RegExp) =>
    [...sections.keys()].flatMap((title) => pattern.exec(title)?.[1] ?? []);
  const at = Object.fromEntries(
    titled(/^at (\d\d):00$/).map((hour) => [Number(hour), take(`at ${hour}:00`)]),
  );
  const [fault] = titled(/^fault: (.+)$/);
  if (fault !== undefined && !(PROBLEM_CLASSES as readonly string[]).includes(fault))
    wrong(`there is no problem class ${fault}`);
  const shape: Shape = {
    name,
    about,
    collection: given.get("collection") ?? wrong("the head has no line `-- collection: ...`"),
    options: JSON.parse(given.get("options") ?? "{}") as Record<string, unknown>,
    needs: given.get("needs") ?? null,
    refused: given.get("refused") ?? null,
    tables: take("tables"),
    load: take("load"),
    everyHour: take("every hour"),
    at,
    fault:
      fault === undefined
        ? null
        : { class: fault as ProblemClass, statements: take(`fault: ${fault}`) },
  };
  if (about === "") wrong("the head does not say what it is");
  if (shape.tables.length === 0) wrong("there is no section [tables]");
  if (sections.size > 0)
    wrong(`there is no section of the kind [${[...sections.keys()].join("], [")}]`);
  return shape;
}

/**
 * Statements end with a semicolon at the end of a line, outside of $$ bodies: each is sent by
 * itself, because VACUUM must be.
 */
export function statementsOf(text: string): string[] {
  const statements: string[] = [];
  let current = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("--")) continue;
    current += `${line}\n`;
    if (/;\s*$/.test(line) && current.split("$$").length % 2 === 1) {
      statements.push(current.trim());
      current = "";
    }
  }
  if (current.trim() !== "")
    throw new Error(`a statement does not end with a semicolon: ${current.trim()}`);
  return statements;
}
