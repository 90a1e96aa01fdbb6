/**
 * Alerts, exporter and dashboard, with promtool, a real Prometheus and the real Postgres exporter.
 */
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DASHBOARD, dashboard, expressions } from "../../build/monitoring/dashboard.ts";
import { QUERIES, queriesFile } from "../../build/monitoring/exporter-queries.ts";
import { FAMILIES } from "../../build/monitoring/families.ts";
import { root } from "../../build/project.ts";
import { ownMetrics } from "../../src/commands/actuator/own-metrics.ts";
import { afterwards } from "../support/afterwards.ts";
import { configure, HOT, IN_ONE_GO, LEVEL, makeTable, ticks } from "../support/collection.ts";
import {
  type Prometheus,
  prometheusTools,
  promtool,
  startExporter,
  startPrometheus,
} from "../support/prometheus.ts";
import { type TestDatabase, testDatabase } from "./support/database.ts";
import { waitEnds } from "../support/patience.ts";

const tools = await prometheusTools();
const RULES = join(root, "monitoring/prometheus/ruvector-healing.rules.yml");

/** What the actuator adds to the database's metrics, as it says it. */
const OWN = new Set(
  [
    ...(
      await ownMetrics(() => ({
        connected: true,
        losses: 0,
        auditProblem: true,
        workloads: [],
      })).text()
    ).matchAll(/^# TYPE (\S+)/gm),
  ].map(([, name]) => name!),
);

/** Series and label names of a PromQL expression, against the list of metrics. */
function checkNames(where: string, expr: string): void {
  const names = [...expr.matchAll(/\bruvector_[a-z_]+/g)].map(([name]) => name);
  expect(names.length, where).toBeGreaterThan(0);
  const known = (name: string): boolean =>
    OWN.has(name) ||
    FAMILIES.some(
      (family) =>
        family.name === name ||
        (family.type === "summary" &&
          [`${family.name}_sum`, `${family.name}_count`].includes(name)),
    );
  for (const name of names) expect(known(name), `${where}: ${name}`).toBe(true);
  const labels = new Set([
    "job",
    "instance",
    ...FAMILIES.filter(({ name }) => names.some((one) => one.startsWith(name))).flatMap(
      (family) => family.labels,
    ),
  ]);
  for (const [, list] of expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g))
    for (const label of list!.split(", ")) expect(labels, `${where}: ${label}`).toContain(label);
  for (const [, name, matchers] of expr.matchAll(/\b(ruvector_[a-z_]+)\{([^}]*)\}/g)) {
    const own = FAMILIES.find(
      (family) => name!.replace(/_(sum|count)$/, "") === family.name || name === family.name,
    )!;
    for (const matcher of matchers!.split(", "))
      expect(["job", "instance", ...own.labels], `${where}: ${matcher}`).toContain(
        /^\w+/.exec(matcher)![0],
      );
  }
}

it("what the build makes is there as it is made", async () => {
  expect(await readFile(QUERIES, "utf8")).toBe(queriesFile());
  expect(JSON.parse(await readFile(DASHBOARD, "utf8"))).toEqual(dashboard());
});

describe("alert rules", () => {
  it("name metrics and labels that there are", async () => {
    const text = await readFile(RULES, "utf8");
    const rules = [...text.matchAll(/- alert: (\w+)\n\s+expr: (?:\|\n((?:\s{10,}.*\n)+)|(.*)\n)/g)];
    expect(rules.length).toBe(text.match(/- alert:/g)!.length);
    for (const [, name, block, line] of rules) checkNames(name!, block ?? line!);
  });

  it("have each a case that fires and one that does not", async () => {
    const cases = await readFile(
      join(root, "monitoring/prometheus/ruvector-healing.test.yml"),
      "utf8",
    );
    const page = await readFile(join(root, "docs/monitoring.md"), "utf8");
    for (const [, name] of (await readFile(RULES, "utf8")).matchAll(/- alert: (\w+)/g)) {
      expect(cases, name).toMatch(new RegExp(`alertname: ${name}\n\\s+exp_alerts: \\[\\]`));
      expect(cases, name).toMatch(
        new RegExp(`alertname: ${name}\n\\s+exp_alerts:\n\\s+- exp_labels`),
      );
      expect(page, `runbook of ${name}`).toContain(`### ${name}`);
    }
  });

  it.skipIf(!tools)("pass promtool check rules and promtool test rules", async () => {
    expect(await promtool(tools!, ["check", "rules", RULES])).toMatchObject({ code: 0 });
    const tested = await promtool(tools!, [
      "test",
      "rules",
      "monitoring/prometheus/ruvector-healing.test.yml",
    ]);
    expect(tested.output).toContain("SUCCESS");
    expect(tested.code).toBe(0);
  });
});

describe("the dashboard", () => {
  it("names metrics and labels that there are", () => {
    for (const { where, expr } of expressions()) checkNames(where, expr);
  });
});

describe.skipIf(!tools)("a real Prometheus", () => {
  let db: TestDatabase;
  let endpoint: Server;
  let prometheus: Prometheus;
  let exporter: { readonly target: string; stop(): Promise<void> };
  const accepted: string[] = [];

  beforeAll(async () => {
    db = await testDatabase();
    await configure(db, IN_ONE_GO);
    await makeTable(db, { rows: HOT });
    await makeTable(db, { table: '"odd \\ name\nwith a line"', rows: LEVEL });
    await ticks(db, 4);
    await configure(db, { enabled: false, require_approval: ["hotspot_congestion"] });
    await makeTable(db, { table: "sick", rows: HOT });
    await ticks(db, 1);
    // A viewer, as the exporter would be.
    const role = `exporter_${db.name.slice(-12)}`;
    await db.client.query(
      `CREATE ROLE ${role} LOGIN; SELECT ruvector_healing_grant('${role}', 'viewer')`,
    );
    afterwards(() =>
      db.client.query(
        `SELECT ruvector_healing_revoke('${role}'); DROP OWNED BY ${role}; DROP ROLE ${role}`,
      ),
    );
    const scraper = await db.connect();
    await scraper.query(`SET ROLE ${role}`);
    endpoint = createServer((request, response) => {
      accepted.push(request.headers.accept ?? "");
      scraper
        .query<{ text: string }>("SELECT ruvector_healing_metrics(openmetrics := true) AS text")
        .then(
          ({ rows }) =>
            response
              .writeHead(200, {
                "content-type": "application/openmetrics-text; version=1.0.0; charset=utf-8",
              })
              .end(rows[0]!.text),
          (error: unknown) => response.writeHead(500).end(String(error)),
        );
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => endpoint.once("listening", resolve));
    const url = new URL(db.url);
    url.username = role;
    exporter = await startExporter(tools!, url.href);
    prometheus = await startPrometheus(
      tools!,
      {
        direct: `127.0.0.1:${(endpoint.address() as AddressInfo).port}`,
        exporter: exporter.target,
      },
      [RULES],
    );
    const end = waitEnds(180);
    // Twice each: a rate needs two scrapes.
    while (
      (await prometheus.query("count_over_time(ruvector_healing_build_info[5m]) > 1")).length < 2
    ) {
      if (Date.now() > end)
        throw new Error(`not scraped: ${JSON.stringify(await prometheus.api("targets"))}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  });

  afterAll(async () => {
    await prometheus?.stop();
    await exporter?.stop();
    endpoint?.close();
  });

  it("scrapes the text, and promtool has nothing to say about it", async () => {
    const { activeTargets } = await prometheus.api<{
      activeTargets: { health: string; lastError: string }[];
    }>("targets");
    expect(activeTargets.map(({ health, lastError }) => ({ health, lastError }))).toEqual([
      { health: "up", lastError: "" },
      { health: "up", lastError: "" },
    ]);
    expect(accepted[0]).toContain("application/openmetrics-text");
    expect(
      await promtool(
        tools!,
        ["check", "metrics"],
        await db.value<string>("SELECT ruvector_healing_metrics()"),
      ),
    ).toEqual({ code: 0, output: "" });
  });

  it("finds the same names, labels and values by the Postgres exporter", async () => {
    const read = async (job: string) =>
      new Map(
        (await prometheus.query(`last_over_time({__name__=~"ruvector_.+", job="${job}"}[5m])`)).map(
          ({ metric, value }) => {
            // The exporter says which server it asked, beside what the query gives.
            const { job: _job, instance: _instance, server: _server, ...labels } = metric;
            return [
              JSON.stringify(labels, Object.keys(labels).sort()),
              { name: metric["__name__"]!, value },
            ] as const;
          },
        ),
      );
    const [direct, exported] = [await read("direct"), await read("exporter")];
    expect([...exported.keys()].sort()).toEqual([...direct.keys()].sort());
    expect(direct.size).toBeGreaterThan(100);
    for (const [series, { name, value }] of direct) {
      const other = exported.get(series)!.value;
      if (/_(age|lag|duration|unsigned|open)_seconds$/.test(name))
        expect(Math.abs(other - value), series).toBeLessThan(60);
      else expect(other, series).toBe(value);
    }
  });

  it("keeps a name with a backslash and a line's end whole", async () => {
    const found = await prometheus.query(
      'last_over_time(ruvector_integrity_lambda{job="direct"}[5m])',
    );
    expect(
      found.find(({ metric }) => metric["collection"] === 'public."odd \\ name\nwith a line"')
        ?.value,
    ).toBe(1);
  });

  it(
    "evaluates the rules on them: what is switched off is pending, and nothing is wrong with " +
      "any rule",
    async () => {
      const end = waitEnds();
      type Rule = {
        name: string;
        health: string;
        lastError?: string;
        state: string;
        alerts: { labels: Record<string, string> }[];
      };
      const read = async () =>
        (await prometheus.api<{ groups: { rules: Rule[] }[] }>("rules")).groups.flatMap(
          ({ rules }) => rules,
        );
      let rules = await read();
      while (Date.now() < end && rules.some(({ health }) => health === "unknown")) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        rules = await read();
      }
      expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
      const disabled = rules.find(({ name }) => name === "RuVectorHealingDisabled")!;
      expect(disabled.state).toBe("pending");
      expect(disabled.alerts.map(({ labels }) => labels["collection"])).toContain("public.sick");
    },
  );

  it("answers every query of the dashboard, with data for all that is the case here", async () => {
    const absent: string[] = [];
    for (const { where, expr } of expressions()) {
      const query = expr
        .replaceAll("$__rate_interval", "5m")
        .replaceAll('"$job"', '".*"')
        .replaceAll('"$collection"', '".*"');
      if ((await prometheus.query(query)).length === 0) absent.push(where);
    }
    // No action is under way, and none waits for approval.
    for (const where of absent)
      expect([
        "Actions under way",
        "annotation",
        "Waiting for approval, leases, unmeasured",
      ]).toContain(where);
  });
});
