/** What is well and what is missing, from the facts alone, each with what is to be typed. */
import type { Extension, Facts } from "./facts.ts";
import { type Finding, missing, quoted, well, wrong } from "./finding.ts";
import { installation, loop } from "./installed.ts";
import { type Platform, platformOf } from "./platforms.ts";

const extension = (facts: Facts, name: string): Extension | undefined =>
  facts.extensions.find((one) => one.name === name);
const installed = (facts: Facts, name: string): string | null =>
  extension(facts, name)?.installed_version ?? null;

/** In the order in which an installation takes them. */
export const LANGUAGES = ["plv8", "pljs"] as const;

/** "1.4-1", "1.6": whether seconds may be scheduled. */
const hasSeconds = (version: string): boolean => {
  const [major = 0, minor = 0] = (version.match(/\d+/g) ?? []).map(Number);
  return major > 1 || (major === 1 && minor >= 5);
};

function server(facts: Facts): Finding[] {
  const { version, version_num, encoding, database, role } = facts;
  const findings = [
    version_num < 150_000
      ? wrong(`PostgreSQL ${version}: 15 or newer is needed`, "# pg_upgrade, or a newer server")
      : well(`PostgreSQL ${version}`),
  ];
  if (facts.standby)
    findings.push(
      facts.installed === null
        ? wrong(
            "a standby: nothing can be installed here",
            "# install on the primary: what it makes comes here by itself",
          )
        : missing("a standby: it only reads", "# ask the primary, where the loop runs"),
    );
  if (encoding !== "UTF8")
    findings.push(
      wrong(
        `database ${database} is in ${encoding}: UTF8 is needed`,
        `CREATE DATABASE ${quoted(`${database}_utf8`)} ENCODING 'UTF8' LOCALE 'C.UTF-8' ` +
          "TEMPLATE template0;",
      ),
    );
  if (!facts.public_schema) findings.push(wrong("no schema public", "CREATE SCHEMA public;"));
  if (facts.installed === null && facts.public_schema) {
    const grants = [
      ...(facts.may_create_in_public ? [] : [`CREATE ON SCHEMA public`]),
      ...(facts.may_create_schemas ? [] : [`CREATE ON DATABASE ${quoted(database)}`]),
    ].map((what) => `GRANT ${what} TO ${quoted(role)};    -- as the database's owner`);
    if (grants.length > 0)
      findings.push(wrong(`${role} may not create what is installed`, ...grants));
  }
  return findings;
}

function language(facts: Facts, platform: Platform): Finding {
  const there = LANGUAGES.find((name) => installed(facts, name) !== null);
  if (there === "plv8") return well(`plv8 ${installed(facts, there)}`);
  if (there === "pljs")
    return well(
      `PLJS ${installed(facts, there)} (a session that ran it once takes no cancel or timeout ` +
        "any more; plv8 does)",
    );
  const offered = LANGUAGES.find((name) => extension(facts, name) !== undefined);
  if (offered !== undefined)
    return wrong(`no JavaScript language in this database`, `CREATE EXTENSION ${offered};`);
  const never = platform.no_language?.(facts) ?? null;
  if (never !== null) return wrong(never, "# docs/platforms.md says where it can");
  const wanted =
    platform.title.startsWith("Debian") && facts.version_num >= 180_000 ? "pljs" : "plv8";
  return wrong(
    "the server has neither plv8 nor PLJS",
    ...platform.offer(wanted, facts),
    `CREATE EXTENSION ${wanted};`,
  );
}

function vector(facts: Facts, platform: Platform): Finding {
  const version = installed(facts, "vector");
  if (version !== null) return well(`pgvector ${version}`);
  return extension(facts, "vector") === undefined
    ? wrong(
        "the server has no pgvector",
        ...platform.offer("vector", facts),
        "CREATE EXTENSION vector;",
      )
    : wrong("no pgvector in this database", "CREATE EXTENSION vector;");
}

function cron(facts: Facts, platform: Platform): Finding {
  const { database, cron_database: home } = facts;
  const role = facts.installed?.owner ?? facts.role;
  const version = installed(facts, "pg_cron");
  if (version !== null && !facts.cron_usage)
    return missing(
      `${role} may not use pg_cron`,
      `GRANT USAGE ON SCHEMA cron TO ${quoted(role)};    -- as who made the extension`,
    );
  if (version !== null)
    return hasSeconds(version)
      ? well(`pg_cron ${version}`)
      : missing(
          `pg_cron ${version}: no schedules in seconds, the loop runs every minute`,
          "# 1.5 or newer has them",
        );
  if (extension(facts, "pg_cron") === undefined && !facts.cron_loaded)
    return missing(
      "the server has no pg_cron: the loop needs another timer (CALL ruvector_healing_tick();)",
      ...platform.offer("pg_cron", facts),
      ...platform.preload(facts),
      "CREATE EXTENSION pg_cron;",
    );
  if (!facts.cron_loaded)
    return missing(
      "the server does not load pg_cron",
      ...platform.preload(facts),
      "CREATE EXTENSION pg_cron;",
    );
  if (home === database) return missing("no pg_cron in this database", "CREATE EXTENSION pg_cron;");
  const elsewhere =
    home === null
      ? `pg_cron is not in ${database}, and ${facts.role} may not see which database it lives in`
      : `pg_cron lives in database ${home}, not in ${database}`;
  return facts.installed?.loop?.stands_still === false
    ? well(`${elsewhere}; the loop runs all the same`)
    : missing(
        elsewhere,
        facts.installed === null
          ? "# once it is installed, ruvector_healing_schedule('5 seconds') says what to run there"
          : "SELECT ruvector_healing_schedule('5 seconds');    -- says what to run there",
      );
}

export interface Diagnosis {
  readonly platform: string;
  readonly findings: readonly Finding[];
}

/** @param ours the version of these commands */
export function diagnose(facts: Facts, ours: string): Diagnosis {
  const platform = platformOf(facts);
  return {
    platform: platform.title,
    findings: [
      ...server(facts),
      language(facts, platform),
      vector(facts, platform),
      cron(facts, platform),
      ...installation(facts, ours),
      ...(facts.installed === null ? [] : loop(facts, facts.installed)),
    ],
  };
}
