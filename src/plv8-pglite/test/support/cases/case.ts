/** One case, and what most cases are made with. */

export interface Outcome {
  /** The value as text; null for SQL NULL. */
  readonly gives?: string | null;
  /** An error: SQLSTATE, and what message, DETAIL, HINT or CONTEXT contain. */
  readonly raises?: {
    readonly code: string;
    readonly message?: string;
    readonly detail?: string;
    readonly hint?: string;
    readonly where?: string;
  };
}

export interface Case extends Outcome {
  readonly about: string;
  readonly setup?: string;
  /** A SELECT of one column and one row. */
  readonly call: string;
  readonly pljs: "same" | { readonly differs: string } | { readonly leftOut: string };
  /** The one warning that comes with it on plv8. */
  readonly warns?: string;
  /** What plv8 itself does instead, so that the case is not tried on it. */
  readonly plv8?: { readonly leftOut: string };
}

export type Pljs = Case["pljs"];

const describeValue = `
  const kind = v === null ? 'null' : Array.isArray(v) ? 'Array' : v instanceof Date ? 'Date'
    : v instanceof Uint8Array ? 'Uint8Array' : typeof v;
  return kind + ' ' + (kind === 'bigint' ? String(v)
    : kind === 'Date' ? (isNaN(v) ? 'Invalid' : v.toISOString())
    : kind === 'Uint8Array' ? Array.from(v).join(',')
    : Object.is(v, NaN) ? 'NaN' : JSON.stringify(v));`;

/** What a function is given for an argument. */
export function argument(
  type: string,
  value: string,
  gives: string,
  pljs: Pljs = "same",
  before = "",
): Case {
  return {
    about: `argument ${value}::${type}`,
    setup:
      `${before} CREATE FUNCTION pg_temp.f(v ${type}) RETURNS text LANGUAGE # AS $f$ ` +
      `${describeValue} $f$;`,
    call: `SELECT pg_temp.f(${value}::${type})`,
    gives,
    pljs,
  };
}

/** What comes of a returned value. */
export function result(
  type: string,
  code: string,
  outcome: string | null | Outcome["raises"],
  pljs: Pljs = "same",
  before = "",
): Case {
  return {
    about: `return ${code} as ${type}`,
    setup:
      `${before} CREATE FUNCTION pg_temp.f() RETURNS ${type} LANGUAGE # AS $f$ return ${code} ` +
      "$f$;",
    call: "SELECT pg_temp.f()::text",
    ...(typeof outcome === "object" && outcome !== null
      ? { raises: outcome }
      : { gives: outcome ?? null }),
    pljs,
  };
}

/** What code gives that returns a text. */
export function code(
  about: string,
  body: string,
  outcome: string | null | Outcome["raises"],
  pljs: Pljs = "same",
  setup = "",
): Case {
  return {
    about,
    setup: `${setup} CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE # AS $f$ ${body} $f$;`,
    call: "SELECT pg_temp.f()",
    ...(typeof outcome === "object" && outcome !== null
      ? { raises: outcome }
      : { gives: outcome ?? null }),
    pljs,
  };
}

export const pair = "CREATE TYPE pair AS (a int, b text);";
export const positive = "CREATE DOMAIN positive AS int CHECK (value > 0);";
export const numbers =
  "CREATE TABLE numbers (id int PRIMARY KEY, name text); INSERT INTO numbers SELECT i, 'n' " +
  "|| i FROM generate_series(1, 10) i;";
