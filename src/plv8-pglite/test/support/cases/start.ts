import type { Case, Pljs } from "./case.ts";

let starts = 0;

/**
 * Of a role whose JavaScript has not started in the session: others' may have. The embedded
 * database has one global scope for all roles.
 */
function start(
  about: string,
  name: string,
  gives: string,
  pljs: Pljs,
  more: { readonly setup?: string; readonly warns?: string } = {},
): Case {
  const mark = `globalThis.begun_${++starts}`;
  return {
    about,
    setup: `CREATE FUNCTION began() RETURNS void LANGUAGE # AS $f$ ${mark} = (${mark} || 0) + 1 $f$;
      CREATE FUNCTION seen() RETURNS text LANGUAGE # AS $f$ return String(${mark}) $f$;
      CREATE ROLE starter;
        ${more.setup ?? ""} SET LOCAL @.start_proc = '${name}'; SET LOCAL ROLE starter;`,
    call: "SELECT seen() || ' ' || seen()",
    gives,
    pljs,
    ...(more.warns !== undefined && { warns: more.warns }),
  };
}

export const START: readonly Case[] = [
  start("start_proc runs once, when a role's JavaScript starts", "began", "1 1", "same"),
  start("set to the empty text it is looked up", "", "undefined undefined", "same", {
    warns: "failed to find js function invalid name syntax",
  }),
  start(
    "a function that is not there is a warning",
    "nothing_here",
    "undefined undefined",
    "same",
    { warns: 'failed to find js function function "nothing_here" does not exist' },
  ),
  start("so is one that the role may not execute", "began", "undefined undefined", "same", {
    setup: "REVOKE ALL ON FUNCTION began() FROM PUBLIC;",
    warns: "failed to find js function began",
  }),
  start("one of another language is nothing", "others.began", "undefined undefined", "same", {
    setup:
      "CREATE SCHEMA others; GRANT USAGE ON SCHEMA others TO PUBLIC; CREATE FUNCTION " +
      "others.began() RETURNS void LANGUAGE sql AS '';",
  }),
];
