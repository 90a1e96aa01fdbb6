/** The public functions as the sources in sql/ make and describe them. */
import { readSources, type Source } from "./script.ts";

export interface Argument {
  readonly name: string;
  readonly type: string;
  readonly optional: boolean;
  /** It has no default at all: PostgreSQL finds no function without it. */
  readonly needed: boolean;
  readonly variadic: boolean;
}

export interface Column {
  readonly name: string;
  readonly type: string;
}

export interface Described {
  /** The folder of sql/ that it stands in. */
  readonly subject: string;
  readonly name: string;
  readonly arguments: readonly Argument[];
  /** A type, columns of a table, or null: a procedure. */
  readonly returns: string | readonly Column[] | null;
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
  // The remark belongs to the argument before its comma.
  const found =
    list.replace(/,(\s*--[^\n]*)/g, "$1,").match(/(?:[^,'(]|'[^']*'|\([^)]*\))+/g) ?? [];
  return found.map((one) => one.trim()).filter((one) => one !== "");
}

function argument(part: string): Argument {
  const [, variadic, name, type] = /^(VARIADIC\s+)?(\w+)\s+([^=]*?)(?:\s+DEFAULT\b|$)/s.exec(part)!;
  return {
    name: name!,
    type: type!,
    // Left out, an error says what to type: that is no option.
    needed: !/\bDEFAULT\b/.test(part) && variadic === undefined,
    optional: /\bDEFAULT\b/.test(part) && !part.endsWith("-- required"),
    variadic: variadic !== undefined,
  };
}

/** What follows a list of arguments: RETURNS jsonb, RETURNS TABLE (...), or nothing. */
function returnsOf(text: string): Described["returns"] {
  const found = /^\s*RETURNS\s+(TABLE\s*(?=\()|[\w[\] ]+?(?=\n|$))/.exec(text);
  if (found === null) return null;
  if (!found[1]!.startsWith("TABLE")) return found[1]!.trim();
  return parts(within(text, found[0].length)).map((part) => {
    const [, name, type] = /^(\w+)\s+(.*)$/s.exec(part)!;
    return { name: name!, type: type!.replace(/\s+/g, " ") };
  });
}

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
    const inside = within(text, index + head.length - 1);
    const list = parts(inside);
    const comment = comments.get(`${name}/${list.length}`);
    if (comment === undefined) throw new Error(`sql/${path}: ${name} has no COMMENT ON`);
    const given = list.map(argument);
    const shown = given.map((one) => (one.optional ? `[${one.name}]` : one.name));
    return {
      subject: path.split("/")[0]!,
      name: name!,
      arguments: given,
      returns: returnsOf(text.slice(index + head.length + inside.length + 1)),
      call: `${name}(${shown.join(", ")})`,
      ...read(comment),
    };
  });
}

const all = async (): Promise<Described[]> => (await readSources()).flatMap(describedIn);

/** Overloads for what people type otherwise than it is meant. */
const isTyped = ({ what }: Described): boolean => what.startsWith("As it is typed");

/** Without those overloads: they say nothing new. */
export const describedFunctions = async (): Promise<Described[]> =>
  (await all()).filter((one) => !isTyped(one));

export const typedFunctions = async (): Promise<Described[]> => (await all()).filter(isTyped);
