import { type Case, code, type Outcome, type Pljs } from "./case.ts";

const canceled =
  "@.execute(\"DO $do$ BEGIN RAISE EXCEPTION USING ERRCODE = 'query_canceled', MESSAGE = " +
  "'canceled'; END $do$\")";
const swallow =
  "CREATE FUNCTION pg_temp.swallow() RETURNS text LANGUAGE plpgsql AS $s$ BEGIN RETURN " +
  "pg_temp.f(); EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END $s$;";

/**
 * A cancel is what SQL raises with SQLSTATE 57014; WHEN OTHERS lets it pass. Lost on the way it is
 * swallowed, and the statement goes on.
 */
function cancel(
  about: string,
  body: string,
  outcome: string | Outcome["raises"],
  pljs: Pljs,
): Case {
  return { ...code(about, body, outcome, pljs, swallow), call: "SELECT pg_temp.swallow()" };
}

export const CANCEL: readonly Case[] = [
  cancel(
    "a cancel is no error for WHEN OTHERS",
    canceled,
    { code: "57014", message: "canceled" },
    { differs: "XX000, swallowed" },
  ),
  cancel(
    "nor is one that was caught and thrown again",
    `try { ${canceled} } catch (e) { throw e }`,
    { code: "57014", message: "canceled" },
    { differs: "XX000, swallowed" },
  ),
  cancel(
    "out of subtransaction it is, and is swallowed",
    `@.subtransaction(() => { ${canceled} })`,
    "XX000 canceled",
    { differs: "other words" },
  ),
  cancel(
    "kept inside and thrown again outside it is not",
    `let kept; try { @.subtransaction(() => { try { ${canceled} } catch (e) { kept = e; ` +
      "throw e } }) } catch (e) { throw kept }",
    { code: "57014", message: "canceled" },
    { differs: "XX000, swallowed" },
  ),
];
