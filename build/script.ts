/** SQL from sql/: the sources in the order of sql/order.txt, the generated functions in between. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bundles } from "./bundle.ts";
import { OPERATIONS, SETTINGS, STRATEGIES, WINDOW_DAYS } from "./definitions.ts";
import { allOrNothing, bundleFunctions, oneStatement } from "./encoded.ts";
import { FAMILIES } from "./monitoring/families.ts";
import { MARKERS } from "./rewritten.ts";
import { type Language, root, version } from "./project.ts";

export interface Source {
  /** e.g. `tables/collections.sql`, or GENERATED. */
  readonly path: string;
  readonly text: string;
  /** The form of the script that has it alone; undefined: both. */
  readonly form: string | undefined;
}

/** Where the functions come that the build makes of src: after tables, before who calls them. */
const GENERATED = "(generated)";

const ORDER = "order.txt";

/** @throws Error naming what is listed and not there, or there and not listed */
export async function readSources(): Promise<Source[]> {
  const read = (path: string): Promise<string> => readFile(join(root, "sql", path), "utf8");
  const lines = (await read(ORDER)).split("\n").filter((line) => line !== "" && line[0] !== "#");
  const listed = lines.map((line) => {
    const [, path, form] = /^(.*?)(?: \[(script|extension)\])?$/.exec(line)!;
    return { path: path!, form };
  });
  const paths = listed.map(({ path }) => path);
  const found = await readdir(join(root, "sql"), { recursive: true });
  const there = [GENERATED, ...found.filter((path) => path.endsWith(".sql"))];
  const wrong = [
    ...paths.filter((path, place) => !there.includes(path) || paths.indexOf(path) !== place),
    ...there.filter((path) => !paths.includes(path)),
  ];
  if (wrong.length > 0)
    throw new Error(`sql/${ORDER} has each file of sql/ once; not so: ${wrong.join(", ")}`);
  return Promise.all(
    listed.map(async ({ path, form }) => ({
      path,
      form,
      text: path === GENERATED ? "" : await read(path),
    })),
  );
}

export const literal = (value: string): string => `'${value.replace(/'/g, "''")}'`;

function settingDefinitions(): string {
  const rows = SETTINGS.map(({ key, default: value, unit, min, max, description }, place) => {
    const range = min === undefined ? unit : `${min} to ${max} (${unit})`;
    return (
      `  (${place}, ${literal(key)}, ${literal(JSON.stringify(value))}::jsonb, ` +
      `${literal(range)}, ${literal(description)})`
    );
  });
  return `
CREATE OR REPLACE FUNCTION ruvector.healing_setting_definitions()
RETURNS TABLE (place integer, key text, default_value jsonb, range text, description text)
LANGUAGE sql IMMUTABLE
AS $function$
VALUES
${rows.join(",\n")}
$function$;
COMMENT ON FUNCTION ruvector.healing_setting_definitions()
  IS 'All settings with default, range and meaning.';
`;
}

/** Put together from the table above, they were most of what reading the settings took. */
function settingDefaults(): string {
  const defaults = Object.fromEntries(SETTINGS.map((setting) => [setting.key, setting.default]));
  return `
CREATE OR REPLACE FUNCTION ruvector.healing_setting_defaults()
RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $function$
SELECT ${literal(JSON.stringify(defaults, null, 1))}::jsonb;
$function$;
COMMENT ON FUNCTION ruvector.healing_setting_defaults() IS 'All settings as they are by default.';
`;
}

function strategies(): string {
  const rows = STRATEGIES.map(
    ({ name, handles, impact, reversible, description }) =>
      `  (${literal(name)}, ARRAY[${handles.map(literal).join(", ")}], ${impact}::float8, ` +
      `${reversible}, ${literal(description)})`,
  );
  return `
CREATE OR REPLACE FUNCTION ruvector.healing_strategies()
RETURNS TABLE (name text, handles text[], impact double precision, reversible boolean,
  description text)
LANGUAGE sql IMMUTABLE
AS $function$
VALUES
${rows.join(",\n")}
$function$;
COMMENT ON FUNCTION ruvector.healing_strategies() IS 'The strategies there are.';
`;
}

const outcomeWindow = (): string => `
CREATE OR REPLACE FUNCTION ruvector.healing_outcome_window()
RETURNS interval
LANGUAGE sql IMMUTABLE
AS $function$
SELECT pg_catalog.make_interval(days => ${WINDOW_DAYS});
$function$;
COMMENT ON FUNCTION ruvector.healing_outcome_window()
  IS 'How far back outcomes count for what is learned and told of strategies.';
`;

function operations(): string {
  const rows = Object.entries(OPERATIONS).map(
    ([name, { locks, when_busy, writes, most_bytes }]) =>
      `  (${[name, locks, when_busy].map(literal).join(", ")}, ${writes}, ${most_bytes})`,
  );
  return `
CREATE OR REPLACE FUNCTION ruvector.healing_operations()
RETURNS TABLE (name text, locks text, when_busy text, writes boolean, most_bytes integer)
LANGUAGE sql IMMUTABLE
AS $function$
VALUES
${rows.join(",\n")}
$function$;
COMMENT ON FUNCTION ruvector.healing_operations()
  IS 'What can be asked of the bundle: whose lock it holds, and whether it writes.';
`;
}

function metricFamilies(): string {
  const texts = (values: readonly string[]): string => `'{${values.join(",")}}'::text[]`;
  const rows = FAMILIES.map(
    ({ name, type, labels, help, sources }, place) =>
      `  (${place}, ${literal(name)}, ${literal(type)}, ${texts(labels)}, ${literal(help)}, ` +
      `${texts(sources)})`,
  );
  return `
CREATE OR REPLACE FUNCTION ruvector.healing_metric_families()
RETURNS TABLE (place integer, name text, type text, labels text[], help text, sources text[])
LANGUAGE sql IMMUTABLE
AS $function$
VALUES
${rows.join(",\n")}
$function$;
COMMENT ON FUNCTION ruvector.healing_metric_families()
  IS 'The metrics there are: what ruvector_healing_metrics() prints as HELP and TYPE.';
`;
}

const generated = (bundles: Bundles): string =>
  [
    bundleFunctions(bundles),
    settingDefinitions(),
    settingDefaults(),
    strategies(),
    outcomeWindow(),
    operations(),
    metricFamilies(),
  ].join("\n");

export const filled = (text: string, language: Language): string =>
  text.replaceAll("{{LANGUAGE}}", language).replaceAll("{{VERSION}}", version);

/** A file of sql/, or what the build makes of src. */
interface Part {
  readonly path: string;
  readonly text: string;
}

const parts = (
  language: Language,
  bundles: Bundles,
  sources: readonly Source[],
  wanted: "script" | "extension",
): Part[] =>
  sources
    .filter(({ form }) => form === undefined || form === wanted)
    .map(({ path, text }) =>
      path === GENERATED
        ? { path: "what is made of src", text: generated(bundles) }
        : {
            path: `sql/${path}`,
            text: `-- sql/${path}\n${filled(text, language)}`.replace("{{ROUTINES}}", () =>
              routines(sources),
            ),
          },
    );

/** The names in schema public, as a list of SQL. */
const routines = (sources: readonly Source[]): string => {
  const made = /^CREATE OR REPLACE (?:FUNCTION|PROCEDURE) public\.(\w+)/gm;
  const names = sources.flatMap(({ text }) => [...text.matchAll(made)].map(([, name]) => name!));
  return [...new Set(names)].sort().map(literal).join(",\n    ");
};

export const body = (...of: Parameters<typeof parts>): string =>
  parts(...of)
    .map(({ text }) => text)
    .join("\n");

/**
 * Citus copies functions to its workers, where ours fail. Without it this is a setting of no
 * meaning. In a script for psql it holds until its end, whether that runs in a transaction or not.
 */
export const NO_CITUS = "citus.enable_ddl_propagation";

export const header = (language: Language): string =>
  `-- ruvector_healing ${version} for ${language}. Made by npm run build: do not edit.\n`;

/** The script as such, in parts: what they say of note on a second run is nothing. */
const whole = (language: Language, bundles: Bundles, sources: readonly Source[]): Part[] => [
  {
    path: "the settings",
    // CREATE OR REPLACE and IF NOT EXISTS would say what was there.
    text: `SET LOCAL client_min_messages = warning; SET ${NO_CITUS} = off;\n`,
  },
  ...parts(language, bundles, sources, "script"),
  { path: "the settings", text: `RESET ${NO_CITUS};\n` },
];

/** For tools that split a migration at each semicolon, or prepare it (build/encoded.ts). */
export const oneStatementScript = (
  language: Language,
  bundles: Bundles,
  sources: readonly Source[],
): string =>
  header(language) +
  oneStatement(
    whole(language, bundles, sources)
      .map(({ text }) => text)
      .join("\n"),
  );

/** For psql and migration tools. Running it again brings an older installation up to date. */
export function plainScript(
  language: Language,
  bundles: Bundles,
  sources: readonly Source[],
): string {
  const file = `ruvector_healing.${language}.sql`;
  return `${header(language)}-- As a migration: docs/install.md. In psql:
-- psql -v ON_ERROR_STOP=1 -f ${file}
${MARKERS.begin}
${allOrNothing(whole(language, bundles, sources))}${MARKERS.end}
`;
}
