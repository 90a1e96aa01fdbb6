/**
 * The extension: control file, scripts, META.json for PGXN, what registers it with pg_tle, and the
 * package that dbdev publishes. All made of sql/, as the plain script is.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bundles } from "./bundle.ts";
import { type Language, LANGUAGES, RELEASED, root, version } from "./project.ts";
import { body, filled, header, literal, NO_CITUS, type Source } from "./script.ts";

/** Tables whose rows are the user's: pg_dump must carry them. */
export const STATE_TABLES = [
  "collections",
  "healing_config",
  "integrity_samples",
  "integrity_state",
  "integrity_reports",
  "healing_actions",
  "healing_steps",
  "healing_leases",
  "healing_jobs",
  "healing_actuations",
  "healing_outcomes",
  "healing_weights",
  "healing_events",
  "healing_refusals",
  "healing_routes",
  "healing_job_priorities",
  "healing_forecasts",
  "healing_suspensions",
  "healing_tenants",
  "healing_counters",
  "healing_audit_head",
  "healing_audit_keys",
  "healing_audit_signatures",
] as const;

const STATE_SEQUENCES = [
  "collections_collection_id_seq",
  "integrity_samples_id_seq",
  "healing_actions_id_seq",
  "healing_steps_id_seq",
  "healing_leases_id_seq",
  "healing_jobs_id_seq",
  "healing_actuations_id_seq",
  "healing_outcomes_id_seq",
  "healing_events_id_seq",
  "healing_refusals_id_seq",
  "healing_forecasts_id_seq",
  "healing_suspensions_id_seq",
] as const;

const BY_COMMAND = 'Use "CREATE EXTENSION ruvector_healing" to load this file.';

/**
 * The same for installing, for a plain installation that is there (sql/install/adopt.sql), and for
 * bringing any older version up to date.
 */
const statements = (language: Language, bundles: Bundles, sources: readonly Source[]): string =>
  `SET LOCAL ${NO_CITUS} = off;
${body(language, bundles, sources, "extension")}
-- State travels with pg_dump.
${[...STATE_TABLES, ...STATE_SEQUENCES]
  .map((name) => `SELECT pg_catalog.pg_extension_config_dump('ruvector.${name}', '');`)
  .join("\n")}
`;

export const extensionScript = (
  language: Language,
  bundles: Bundles,
  sources: readonly Source[],
): string =>
  `${header(language)}\\echo ${BY_COMMAND} \\quit\n${statements(language, bundles, sources)}`;

const source = async (name: string, language: Language): Promise<string> =>
  filled(await readFile(join(root, "extension", name), "utf8"), language);

const valueOf = (control: string, key: string): string =>
  new RegExp(`^${key} = '(.*)'$`, "m").exec(control)![1]!;

/** Registered once, or brought up to date where an older version was: run it again for that. */
const pgTle = (control: string, language: Language, script: string): string => {
  const requires = valueOf(control, "requires").split(", ").map(literal).join(", ");
  const name = "'ruvector_healing'";
  return `${header(language)}-- Registers the extension with pg_tle (docs/install.md). Then:
-- CREATE EXTENSION ruvector_healing; or, where it is: ALTER EXTENSION ruvector_healing UPDATE;
DO $register$
DECLARE
  script constant pg_catalog.text := $ruvector_healing_tle$
${script}$ruvector_healing_tle$;
  older pg_catalog.text;
BEGIN
  IF NOT EXISTS (SELECT FROM pgtle.available_extensions() e WHERE e.name = ${name}) THEN
    PERFORM pgtle.install_extension(${name}, '${version}', ${literal(valueOf(control, "comment"))},
      script, ARRAY[${requires}], 'public');
    RETURN;
  END IF;
  FOREACH older IN ARRAY ARRAY[${RELEASED.map(literal).join(", ")}]::pg_catalog.text[] LOOP
    IF NOT EXISTS (SELECT FROM pgtle.extension_update_paths(${name}) p
      WHERE p.source = older AND p.target = '${version}' AND p.path IS NOT NULL) THEN
      PERFORM pgtle.install_update_path(${name}, older, '${version}', script);
    END IF;
  END LOOP;
  PERFORM pgtle.set_default_version(${name}, '${version}');
END
$register$;
`;
};

/** Files by path. */
export async function extensionFiles(
  bundles: Bundles,
  sources: readonly Source[],
): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const language of LANGUAGES) {
    const control = await source("ruvector_healing.control.in", language);
    const script = extensionScript(language, bundles, sources);
    const published = [
      ["ruvector_healing.control", control],
      [`ruvector_healing--${version}.sql`, script],
      ...RELEASED.filter((older) => older !== version).map((older) => [
        `ruvector_healing--${older}--${version}.sql`,
        script,
      ]),
    ] as [string, string][];
    for (const [name, text] of published) {
      files.set(`extension/${language}/${name}`, text);
      files.set(`dist/dbdev/${language}/${name}`, text);
    }
    files.set(`dist/dbdev/${language}/README.md`, await source("dbdev.md.in", language));
    files.set(
      `dist/ruvector_healing.${language}.pg_tle.sql`,
      pgTle(control, language, statements(language, bundles, sources)),
    );
  }
  files.set("extension/META.json", await source("META.json.in", "plv8"));
  return files;
}
