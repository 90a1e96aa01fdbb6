/**
 * monitoring/postgres_exporter/queries.yaml: the same metrics for who runs the Postgres exporter
 * already. It names a metric <key>_<column>, a key may stand once, and all columns of a query are
 * printed for each of its rows (NULL as NaN): so each family has a key of its own, and those that
 * would share one are together where they have a value for every collection.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../project.ts";
import { FAMILIES, type Family } from "./families.ts";

export const QUERIES = join(root, "monitoring/postgres_exporter/queries.yaml");

const MADE_BY = "Made by npm run build; do not edit. docs/monitoring.md";

/** Keys that are not the name up to its last underscore. */
const KEYS: Readonly<Record<string, string>> = {
  ruvector_healing_active: "ruvector",
  ruvector_healing_cooldown: "ruvector",
  ruvector_healing_enabled: "ruvector",
  ruvector_integrity_state: "ruvector",
  ruvector_healing_success_rate: "ruvector_healing",
};

interface Column {
  readonly family: Family;
  readonly suffix: string;
  readonly name: string;
}

interface Query {
  readonly key: string;
  readonly labels: readonly string[];
  readonly columns: readonly Column[];
}

const keyOf = (name: string): string => KEYS[name] ?? name.slice(0, name.lastIndexOf("_"));

export function queries(): Query[] {
  const found = new Map<string, Query>();
  for (const family of FAMILIES) {
    const plain = family.labels.filter((label) => label !== "quantile");
    const parts =
      family.type === "summary"
        ? [
            ...(family.labels.length > plain.length ? [{ suffix: "", labels: family.labels }] : []),
            { suffix: "_sum", labels: plain },
            { suffix: "_count", labels: plain },
          ]
        : [{ suffix: "", labels: family.labels }];
    for (const { suffix, labels } of parts) {
      const name = family.name + suffix;
      const key = keyOf(name);
      const known = found.get(key);
      if (known && known.labels.join() !== labels.join())
        throw new Error(`${name} has other labels than the metrics it shares the key ${key} with`);
      found.set(key, {
        key,
        labels,
        columns: [...(known?.columns ?? []), { family, suffix, name: name.slice(key.length + 1) }],
      });
    }
  }
  return [...found.values()];
}

function statement({ labels, columns }: Query): string {
  const places = labels.map((label, place) => `labels[${place + 1}] AS ${label}`);
  const names = [...new Set(columns.map(({ family }) => `'${family.name}'`))].join(", ");
  const [only] = columns;
  if (columns.length === 1) {
    return (
      `SELECT ${[...places, `value AS ${only!.name}`].join(", ")} FROM ` +
      `ruvector.ruvector_healing_metric_samples(${names}) WHERE suffix = '${only!.suffix}'`
    );
  }
  const values = columns.map(
    ({ family, suffix, name }) =>
      `max(value) FILTER (WHERE family = '${family.name}' AND suffix = '${suffix}') AS ${name}`,
  );
  const where = columns.every(({ suffix }) => suffix !== "") ? " WHERE suffix <> ''" : "";
  return (
    `SELECT ${[...places, ...values].join(", ")} FROM ` +
    `ruvector.ruvector_healing_metric_samples(${names})${where} GROUP BY labels`
  );
}

const text = (value: string): string => JSON.stringify(value);

export function queriesFile(): string {
  const blocks = queries().map((query) => {
    const columns = [
      ...query.labels.map((label) => ({
        name: label,
        usage: "LABEL",
        description: `The ${label.replaceAll("_", " ")}.`,
      })),
      ...query.columns.map(({ family, suffix, name }) => ({
        name,
        usage: family.type === "counter" || suffix !== "" ? "COUNTER" : "GAUGE",
        description: family.help,
      })),
    ];
    return [
      `${query.key}:`,
      `  query: ${text(statement(query))}`,
      "  metrics:",
      ...columns.flatMap(({ name, usage, description }) => [
        `    - ${name}:`,
        `        usage: ${text(usage)}`,
        `        description: ${text(description)}`,
      ]),
    ].join("\n");
  });
  return `# Metrics of ruvector_healing for postgres_exporter (--extend.query-path). ${MADE_BY}
#
# Its role needs: SELECT ruvector_healing_grant('<role>', 'viewer');
# They are called by their name in schema ruvector, where nobody else can put one of the same name.

${blocks.join("\n\n")}
`;
}

export const writeQueries = (): Promise<void> => writeFile(QUERIES, queriesFile());
