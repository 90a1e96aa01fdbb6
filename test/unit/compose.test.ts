/**
 * docker-compose.yml without Docker: what it mounts is there, images are pinned, what stays is
 * looked after. And what a dashboard and an alert say to whoever sees them for the first time.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "../../build/project.ts";
import { PANELS } from "../../build/monitoring/panels.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const file = read("docker-compose.yml");
/** Each service with its lines. */
const services = new Map(
  [...file.split("\nservices:\n")[1]!.matchAll(/^ {2}(\w+):\n((?:(?: {4}.*| *#.*)?\n)+)/gm)].map(
    ([, name, lines]) => [name!, lines!],
  ),
);

it("mounts, builds and extends what is there", () => {
  expect([...services.keys()]).toEqual([
    "server",
    "install",
    "seed",
    "page",
    "prometheus",
    "grafana",
  ]);
  const named = [...file.matchAll(/(?:- \.\/|file: |dockerfile: )([\w./-]+)/g)].map(
    ([, path]) => path!,
  );
  expect(named.length).toBeGreaterThanOrEqual(7);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

it("pins its images, listens on this machine only, and looks after all that stays", () => {
  for (const [, image] of file.matchAll(/^ +image: (\S+)$/gm))
    if (!image!.startsWith("ruvector-healing")) expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
  expect(read("src/workbench/compose/Dockerfile")).toMatch(/^ARG NODE_IMAGE=node:\d+\.\d+\.\d+-/m);
  for (const [, port] of file.matchAll(/^ +- "([\d.:]+)"$/gm))
    expect(port).toMatch(/^127\.0\.0\.1:/);
  for (const [name, lines] of services)
    if (/restart: unless-stopped/.test(lines)) expect(lines, name).toContain("healthcheck:");
  expect(read("docker-compose.server.yml")).toContain("healthcheck:");
});

it("Prometheus scrapes the page, Grafana asks Prometheus", () => {
  expect(read("monitoring/prometheus/prometheus.yml")).toContain('["page:9488"]');
  expect(read("monitoring/grafana/provisioning/datasources/ruvector-healing.yml")).toContain(
    "url: http://prometheus:9090",
  );
});

it("every panel says what it shows, and every alert links its runbook", () => {
  for (const { title, description } of PANELS)
    expect(description.length, title).toBeGreaterThan(20);
  const rules = read("monitoring/prometheus/ruvector-healing.rules.yml");
  const page = read("docs/monitoring.md");
  const alerts = rules.split(/- alert: /).slice(1);
  expect(alerts.length).toBeGreaterThan(10);
  for (const alert of alerts) {
    const name = /^\w+/.exec(alert)![0];
    expect(alert).toContain(`runbook_url: "docs/monitoring.md#${name.toLowerCase()}"`);
    expect(page).toContain(`\n### ${name}\n`);
  }
});
