/**
 * What travels to the database as base64, in which no tool finds anything to rewrite, and is
 * decoded once, there.
 */
import { type Bundle, type Bundles, QUOTE } from "./bundle.ts";
import { version } from "./project.ts";

/** An expression that is the text again: 96 characters a line, as elements of an array. */
const decoded = (text: string): string => {
  const lines = Buffer.from(text)
    .toString("base64")
    .replace(/.{1,96}/g, "'$&',\n");
  return `pg_catalog.convert_from(pg_catalog.decode(
    pg_catalog.array_to_string(ARRAY[
${lines.slice(0, -2)}
    ], ''), 'base64'), 'UTF8')`;
};

/**
 * What is done with an error of the whole. The server's log would get the statement that failed,
 * 1.9 MB of it, unless its role may say otherwise (a superuser, or one that was granted it); that
 * ends with the transaction, which has failed. And a time limit counts for all of the script: none
 * that it sets itself would hold for the statement that runs.
 */
const FAILED = `BEGIN
    PERFORM pg_catalog.set_config('log_min_error_statement', 'panic', true);
  EXCEPTION WHEN OTHERS THEN
    NULL;
  END;
  IF SQLSTATE = '57014' AND pg_catalog.current_setting('statement_timeout') <> '0' THEN
    said_hint := pg_catalog.format('statement_timeout is %s: SET statement_timeout = 0;  and run '
      'the script again in that session. For psql -f: PGOPTIONS=''-c statement_timeout=0''',
      pg_catalog.current_setting('statement_timeout'));
  END IF;`;

/** An error of what is executed is raised anew without its context, which would be all of it. */
const raisedAnew = (first = ""): string => `EXCEPTION WHEN OTHERS OR query_canceled THEN
  GET STACKED DIAGNOSTICS said_detail = PG_EXCEPTION_DETAIL, said_hint = PG_EXCEPTION_HINT;${first}
  RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM,
    DETAIL = coalesce(nullif(said_detail, ''), 'Nothing was changed.'), HINT = said_hint;
END`;

/**
 * A bundle and its hash as functions: replaced as a whole by the next version, no table to migrate.
 * Compressed by lz4 where the server has it: each new connection reads it, in 2.8 ms of a processor
 * instead of 3.9.
 */
const bundleFunction = (name: string, { source, hash }: Bundle, what: string): string => `
DO $decoded$
DECLARE
  source pg_catalog.text := ${decoded(source)};
  said_detail pg_catalog.text;
  said_hint pg_catalog.text;
  compression pg_catalog.text :=
    pg_catalog.current_setting('default_toast_compression', true);
BEGIN
  PERFORM pg_catalog.set_config(s.name, 'lz4', true) FROM pg_catalog.pg_settings s
    WHERE s.name OPERATOR(pg_catalog.=) 'default_toast_compression'
      AND 'lz4' OPERATOR(pg_catalog.=) ANY (s.enumvals);
  EXECUTE pg_catalog.concat('CREATE OR REPLACE FUNCTION ruvector.${name}()
    RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $function$SELECT ${QUOTE}', pg_catalog.chr(10), source, '${QUOTE}$function$');
  PERFORM pg_catalog.set_config('default_toast_compression', compression, true)
    WHERE compression IS NOT NULL;
${raisedAnew()}
$decoded$;
COMMENT ON FUNCTION ruvector.${name}() IS 'Source of ${what}, compiled from TypeScript.';

CREATE OR REPLACE FUNCTION ruvector.${name}_hash()
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$SELECT '${hash}'$function$;
COMMENT ON FUNCTION ruvector.${name}_hash()
  IS 'SHA-256 of the bundle: sessions reload when it changes.';
`;

export const bundleFunctions = ({ loop, audit }: Bundles): string => `
${bundleFunction("healing_bundle", loop, "the control loop")}
${bundleFunction("healing_audit_bundle", audit, "the signatures of the audit trail")}

CREATE OR REPLACE FUNCTION ruvector.healing_version()
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$SELECT '${version}'$function$;
COMMENT ON FUNCTION ruvector.healing_version() IS 'Version of ruvector_healing.';
`;

const PART = "$ruvector_healing_part$";
const SCRIPT = "$ruvector_healing_script$";

/**
 * The script as one statement, as it is written: psql without ON_ERROR_STOP goes on behind what
 * failed, and made half a schema where the script had refused in its beginning. A BEGIN and COMMIT
 * of its own would end the transaction of a migration tool.
 * A refusal is told as it is said, anything else with the file it came from: what PostgreSQL would
 * tell is the whole of it.
 */
export function allOrNothing(parts: readonly { path: string; text: string }[]): string {
  for (const { path, text } of parts)
    if (text.includes(PART) || text.includes(SCRIPT)) throw new Error(`${path} has ${PART}`);
  const executed = parts.map(
    ({ path, text }) => `part := '${path}';\nEXECUTE ${PART}\n${text}${PART};\n`,
  );
  return `DO ${SCRIPT}
DECLARE
  part pg_catalog.text;
  said_detail pg_catalog.text;
  said_hint pg_catalog.text;
BEGIN
${executed.join("")}EXCEPTION WHEN OTHERS OR query_canceled THEN
  GET STACKED DIAGNOSTICS said_detail = PG_EXCEPTION_DETAIL, said_hint = PG_EXCEPTION_HINT;
  ${FAILED}
  IF said_hint = '' THEN
    RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM,
      DETAIL = pg_catalog.concat_ws(' ', nullif(said_detail, ''),
        pg_catalog.format('In %s. Nothing was changed.', part));
  END IF;
  RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM,
    DETAIL = coalesce(nullif(said_detail, ''), 'Nothing was changed.'), HINT = said_hint;
END
${SCRIPT};
`;
}

/** The whole script as one statement that has no semicolon: \073 is one to PostgreSQL. */
export function oneStatement(script: string): string {
  const block = `DECLARE
  said_detail pg_catalog.text;
  said_hint pg_catalog.text;
BEGIN
  EXECUTE ${decoded(script)};
${raisedAnew(`\n  ${FAILED}`)}`;
  return `DO E'${block.replaceAll("'", "''").replaceAll(";", "\\073")}'\n`;
}
