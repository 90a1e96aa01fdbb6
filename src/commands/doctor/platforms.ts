/**
 * Which provider's server this is, and what is typed there for what is missing. The same commands
 * stand in docs/platforms.md (test/unit/documentation.test.ts).
 */
import type { Facts } from "./facts.ts";

export interface Platform {
  /** The heading of its part of docs/platforms.md, where it has one. */
  readonly title: string;
  readonly recognised: (facts: Facts) => boolean;
  /** Where a JavaScript language is not to be had there at all: why. */
  readonly no_language?: (facts: Facts) => string | null;
  /** So that CREATE EXTENSION finds it. */
  readonly offer: (extension: string, facts: Facts) => readonly string[];
  /** So that the server loads pg_cron at its start, for this database. */
  readonly preload: (facts: Facts) => readonly string[];
}

const has = (prefix: string) => (facts: Facts) =>
  facts.settings.some((name) => name.startsWith(`${prefix}.`));

/** For a shell: a name that it would take for more than a name is left to whoever types it. */
const database = (facts: Facts): string =>
  /^[\w-]+$/.test(facts.database) ? facts.database : "<database>";

/** What is preloaded now, with pg_cron: a list that replaces another must have all of it. */
export function withCron(facts: Facts, own: readonly string[] = []): string {
  const now = (facts.preloaded ?? "").split(",").map((name) => name.trim());
  const kept = now.filter(
    (name) => /^[\w$/.-]+$/.test(name) && name !== "pg_cron" && !own.includes(name),
  );
  return [...kept, "pg_cron"].join(",");
}

const NOT_SEEN = "# this role may not see shared_preload_libraries: name those that are there, too";
const seen = (facts: Facts): readonly string[] => (facts.preloaded === null ? [NOT_SEEN] : []);

const parameters = (facts: Facts): string =>
  `"ParameterName=shared_preload_libraries,ParameterValue='${withCron(facts, ["rdsutils"])}',` +
  `ApplyMethod=pending-reboot" "ParameterName=cron.database_name,ParameterValue=` +
  `${database(facts)},ApplyMethod=pending-reboot"`;

const allowed = (extension: string): readonly string[] => [
  `# is ${extension} in rds.allowed_extensions of the parameter group, where that is set?`,
];

const ALL_FLAGS = "# this option replaces ALL flags: name those it has, too";

const PACKAGES: Readonly<Record<string, readonly [deb: string, rpm: string]>> = {
  vector: ["pgvector", "pgvector"],
  pg_cron: ["cron", "pg_cron"],
  pljs: ["pljs", "pljs"],
  plv8: ["plv8", "plv8"],
};
const major = (facts: Facts): number => Math.floor(facts.version_num / 10_000);

/** Lines of postgresql.conf, and a restart. */
const ownFile = (facts: Facts, restart: string): readonly string[] => [
  ...seen(facts),
  "# in postgresql.conf:",
  `shared_preload_libraries = '${withCron(facts)}'`,
  `cron.database_name = '${facts.database.replace(/'/g, "''")}'`,
  "# then:",
  restart,
];

/** In the order in which they are asked: the last one is everybody else. */
export const PLATFORMS: readonly Platform[] = [
  {
    title: "Amazon Aurora",
    recognised: (facts) => facts.aurora,
    offer: allowed,
    preload: (facts) => [
      ...seen(facts),
      "aws rds modify-db-cluster-parameter-group --db-cluster-parameter-group-name <group> " +
        `--parameters ${parameters(facts)}`,
      "aws rds reboot-db-instance --db-instance-identifier <writer>",
    ],
  },
  {
    title: "Amazon RDS",
    recognised: (facts) => has("rds")(facts) || facts.roles.includes("rds_superuser"),
    offer: allowed,
    preload: (facts) => [
      ...seen(facts),
      "aws rds modify-db-parameter-group --db-parameter-group-name <group> " +
        `--parameters ${parameters(facts)}`,
      "aws rds reboot-db-instance --db-instance-identifier <instance>",
    ],
  },
  {
    title: "Google AlloyDB",
    recognised: has("alloydb"),
    offer: (extension) => [`# ask AlloyDB's support for ${extension}: it is not offered here`],
    preload: (facts) => [
      "gcloud alloydb instances update <instance> --cluster=<cluster> --region=<region> " +
        `--database-flags=alloydb.enable_pg_cron=on,cron.database_name=${database(facts)}`,
      ALL_FLAGS,
    ],
  },
  {
    title: "Google Cloud SQL",
    recognised: (facts) => has("cloudsql")(facts) || facts.roles.includes("cloudsqlsuperuser"),
    offer: (extension) => [`# ask Cloud SQL's support for ${extension}: it is not offered here`],
    preload: (facts) => [
      "gcloud sql instances patch <instance> --database-flags=cloudsql.enable_pg_cron=on," +
        `cron.database_name=${database(facts)}`,
      ALL_FLAGS,
    ],
  },
  {
    title: "Azure Flexible Server",
    recognised: (facts) => has("azure")(facts) || facts.roles.includes("azure_pg_admin"),
    offer: (extension) => [
      "az postgres flexible-server parameter set --resource-group <group> --server-name <server> " +
        `--name azure.extensions --value ${extension}    # with those it has`,
    ],
    preload: (facts) => [
      ...seen(facts),
      "az postgres flexible-server parameter set --resource-group <group> --server-name <server> " +
        `--name shared_preload_libraries --value ${withCron(facts)}`,
      "az postgres flexible-server restart --resource-group <group> --name <server>",
    ],
  },
  {
    title: "Neon",
    recognised: (facts) => has("neon")(facts) || facts.roles.includes("neon_superuser"),
    no_language: () => "Neon refuses plv8, and has no PLJS: ruvector_healing cannot run there.",
    offer: (extension) => [`# ask Neon's support for ${extension}: it is not offered here`],
    preload: () => ["# Neon's endpoint settings: pg_settings, cron.database_name; then a restart"],
  },
  {
    title: "Supabase",
    recognised: (facts) => facts.roles.includes("supabase_admin") || has("supautils")(facts),
    no_language: (facts) =>
      major(facts) >= 17
        ? "Supabase has plv8 on PostgreSQL 15 and not on 17: ruvector_healing cannot run here."
        : null,
    offer: (extension) => [`# in the dashboard: Database, Extensions, ${extension}`],
    preload: () => ["# in the dashboard: Integrations, Cron"],
  },
  {
    title: "Aiven",
    recognised: (facts) => has("aiven")(facts) || facts.roles.includes("avnadmin"),
    no_language: () => "Aiven has no JavaScript language: ruvector_healing cannot run there.",
    offer: (extension) => [`# ask Aiven's support for ${extension}: it is not offered here`],
    preload: () => ["CREATE EXTENSION pg_cron;"],
  },
  {
    title: "CloudNativePG",
    recognised: (facts) => facts.roles.includes("streaming_replica"),
    offer: (extension) => [`# spec.imageName: an image that has ${extension}`],
    preload: () => [
      "# in the Cluster: spec.postgresql.shared_preload_libraries: [pg_cron]",
      "# and spec.postgresql.parameters: cron.database_name",
    ],
  },
  {
    title: "RPM",
    recognised: ({ banner }) => /Red Hat|\bel\d+\b/i.test(banner),
    offer: (extension, facts) => [
      `dnf install ${PACKAGES[extension]?.[1] ?? extension}_${major(facts)}`,
    ],
    preload: (facts) => ownFile(facts, `systemctl restart postgresql-${major(facts)}`),
  },
  {
    title: "Debian and Ubuntu",
    recognised: ({ banner }) => /Debian|Ubuntu|pgdg/.test(banner),
    offer: (extension, facts) => [
      `apt-get install postgresql-${major(facts)}-${PACKAGES[extension]?.[0] ?? extension}`,
    ],
    preload: (facts) => ownFile(facts, "systemctl restart postgresql"),
  },
  {
    title: "another server",
    recognised: () => true,
    offer: (extension) => [`# install the package of ${extension} on the server`],
    preload: (facts) => ownFile(facts, "# restart the server"),
  },
];

export const platformOf = (facts: Facts): Platform =>
  PLATFORMS.find(({ recognised }) => recognised(facts))!;
