/**
 * Arguments for any type: usual, odd and hostile ones, as SQL literals that PostgreSQL itself
 * takes.
 */
import type { Random } from "../chaos/random.ts";

/** What there is in the database, to be mixed in, and words learned from the answers. */
export interface Known {
  /** Names of collections and of tables that are none, as people type them. */
  readonly collections: readonly string[];
  readonly strategies: readonly string[];
  readonly roles: readonly string[];
  /** Of actions and requests, kept up to date. */
  readonly ids: readonly string[];
  /**
   * Keys and other words that documents of this function may hold; grows with the hints of its
   * errors.
   */
  readonly words: Set<string>;
  /** Documents that the function's comment and the hints of its errors show. */
  readonly templates: Set<string>;
}

export const literal = (text: string): string =>
  `E'${text.replace(/\\/g, "\\\\").replace(/'/g, "''")}'`;

const LONG = 10_000;

const TEXTS: readonly ((choices: Random) => string)[] = [
  () => "",
  () => " ",
  () => "NULL",
  () => "'",
  () => '"',
  () => '""',
  () => "\\",
  () => "$$",
  () => "%s %I %L",
  () => "${x}",
  () => "'; DROP TABLE ruvector.collections; --",
  () => "a.b.c.d",
  () => '"a"."b"."c"',
  () => ".",
  () => "..",
  () => '"unfinished',
  () => "pg_catalog.pg_class",
  () => "ruvector.collections",
  () => "public",
  () => "__proto__",
  () => "constructor",
  () => "x".repeat(LONG),
  () => "'".repeat(LONG),
  () => '"'.repeat(LONG),
  () => "\u{1F600}".repeat(LONG / 4),
  () => "e\u0301\u202E\u200B\uFEFF\u00DF\u0130",
  () => "\u{10FFFF}\uFFFF\uFFFE",
  () => "\u0001\u0008\u001f\u007f\u0085\u2028",
  () => "\n\t\r",
  () => "0",
  () => "-1",
  () => "1e400",
  () => "NaN",
  () => "true",
  () => "{}",
  () => "[]",
  () => "5 seconds",
  () => "*/5 * * * *",
  () => "Europe/Berlin",
  (choices) =>
    Array.from({ length: choices.int(1, 40) }, () =>
      String.fromCodePoint(
        choices.pick([
          choices.int(32, 126),
          choices.int(0xa0, 0x2ff),
          choices.int(0x4e00, 0x9fff),
          choices.int(0x1f300, 0x1f6ff),
        ]),
      ),
    ).join(""),
];

const NUMBERS = [
  "0",
  "-0",
  "1",
  "-1",
  "2",
  "10",
  "0.5",
  "-0.5",
  "1.0000000000000002",
  "99999",
  "2147483647",
  "2147483648",
  "-2147483649",
  "9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  "1e15",
  "1e21",
  "1e-320",
  "1e308",
  "-1e308",
  "1e309",
  "1e400",
  "-1e400",
  `${"9".repeat(400)}`,
  `0.${"0".repeat(400)}1`,
];

const text = (choices: Random, known: Known): string => {
  const own = [...known.words];
  return choices.chance(0.5) && own.length > 0
    ? choices.pick(own)
    : choices.chance(0.3)
      ? choices.pick([...known.collections, ...known.strategies])
      : choices.pick(TEXTS)(choices);
};

const quoted = (value: string): string => JSON.stringify(value).replace(/\\u0000/g, "");

/** JSON as text: numbers that JavaScript cannot hold must get through. */
function json(choices: Random, known: Known, depth: number): string {
  const kind = choices.int(0, depth > 4 ? 5 : 10);
  if (kind <= 1) return choices.pick(NUMBERS);
  if (kind <= 3) return quoted(text(choices, known));
  if (kind === 4) return choices.pick(["true", "false"]);
  if (kind === 5) return "null";
  if (kind <= 7) {
    const items = Array.from({ length: choices.int(0, 4) }, () => json(choices, known, depth + 1));
    return `[${items.join(",")}]`;
  }
  return object(choices, known, depth + 1);
}

function object(choices: Random, known: Known, depth: number): string {
  const words = [...known.words];
  const keys = Array.from({ length: choices.int(0, 5) }, () =>
    choices.chance(0.85) && words.length > 0 ? choices.pick(words) : text(choices, known),
  );
  return `{${keys.map((key) => `${quoted(key)}:${json(choices, known, depth)}`).join(",")}}`;
}

function document(choices: Random, known: Known): string {
  if (choices.chance(0.02)) return `${"[".repeat(900)}${"]".repeat(900)}`;
  if (choices.chance(0.02)) return `{"a":${'{"a":'.repeat(900)}1${"}".repeat(901)}`;
  if (choices.chance(0.02))
    return `[${Array.from({ length: 3000 }, (_, place) => place).join(",")}]`;
  if (choices.chance(0.5) && known.templates.size > 0)
    return changed(choices, known, choices.pick([...known.templates]));
  return choices.chance(0.85) ? object(choices, known, 0) : json(choices, known, 0);
}

/** A document as it should be, but for a key or two. */
function changed(choices: Random, known: Known, template: string): string {
  const parts = Object.entries(JSON.parse(template) as object).flatMap(([key, value]) => {
    if (choices.chance(0.08)) return [];
    const name = quoted(choices.chance(0.04) ? text(choices, known) : key);
    return [`${name}:${choices.chance(0.25) ? json(choices, known, 1) : JSON.stringify(value)}`];
  });
  const more = choices.chance(0.15) ? object(choices, known, 3).slice(1, -1) : "";
  return `{${[...parts, ...(more === "" ? [] : [more])].join(",")}}`;
}

const TIMES = [
  "infinity",
  "-infinity",
  "epoch",
  "now",
  "tomorrow",
  "4714-11-24 00:00:00+00 BC",
  "294276-12-31 23:59:59+00",
  "2024-02-29 23:59:60+14",
  "1900-01-01 00:00:00+00",
  "2200-01-01 00:00:00+00",
];
const INTERVALS = [
  "0",
  "-1 second",
  "1 microsecond",
  "1 second",
  "59 seconds",
  "60 seconds",
  "1 hour",
  "1 month",
  "178000000 years",
  "-178000000 years",
  "2562047788 hours",
  "infinity",
  "-infinity",
  "1 year -365 days",
];
const INTEGERS = [
  "0",
  "1",
  "-1",
  "2",
  "10",
  "20",
  "100",
  "1000",
  "32767",
  "32768",
  "2147483647",
  "-2147483648",
];
const BIGINTS = [
  ...INTEGERS,
  "2147483648",
  "9007199254740993",
  "9223372036854775807",
  "-9223372036854775808",
];
const FLOATS = [
  "0",
  "-0",
  "0.5",
  "1",
  "-1",
  "1e-308",
  "1e308",
  "-1e308",
  "NaN",
  "Infinity",
  "-Infinity",
  "100",
  "1.0000001",
];

/** A value of a type that is not listed is NULL: a new type wants a line in the switch. */
export function argument(choices: Random, known: Known, type: string, name: string): string {
  if (choices.chance(0.1)) return `NULL::${type}`;
  const cast = (value: string): string => `${literal(value)}::${type}`;
  switch (type) {
    case "text":
    case "character varying":
    case "name":
      if (/role/.test(name) && choices.chance(0.5)) return cast(choices.pick(known.roles));
      if (/collection|table/.test(name) && choices.chance(0.8))
        return cast(choices.pick(known.collections));
      if (/strategy/.test(name) && choices.chance(0.7)) return cast(choices.pick(known.strategies));
      return cast(text(choices, known));
    case "jsonb":
    case "json":
      return cast(document(choices, known));
    case "boolean":
      return cast(choices.pick(["true", "false"]));
    case "integer":
      return cast(choices.pick(INTEGERS));
    case "bigint":
      return cast(
        choices.chance(0.5) && known.ids.length > 0
          ? choices.pick(known.ids)
          : choices.pick(BIGINTS),
      );
    case "double precision":
    case "numeric":
    case "real":
      return cast(choices.pick(FLOATS));
    case "timestamp with time zone":
      return cast(choices.pick(TIMES));
    case "interval":
      return cast(choices.pick(INTERVALS));
    case "text[]":
    case "bigint[]":
    case "integer[]": {
      const item = () => argument(choices, known, type.slice(0, -2), name);
      return `ARRAY[${Array.from({ length: choices.int(0, 4) }, item).join(", ")}]::${type}`;
    }
    case "bytea":
      return cast(
        choices.pick([
          "",
          "\\x00",
          `\\x${"ff".repeat(64)}`,
          `\\x${"00".repeat(32)}`,
          `\\x${"ab".repeat(5000)}`,
        ]),
      );
    case "oid":
    case "regclass":
      return `${choices.pick(["0", "1", "1259", "4294967295"])}::${type}`;
    default:
      return `NULL::${type}`;
  }
}
