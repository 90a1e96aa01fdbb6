/**
 * The order of the test files. Those that mostly wait (for pg_cron's minutes, for a server's
 * restart, for windows of time) are spread among those that use a core all the time, so that at any
 * time some wait while others work; the long ones of both kinds come first, so that the run does
 * not end with one of them alone. Seconds they took on two cores decided what is here.
 */
import type { TestSpecification } from "vitest/node";
import { BaseSequencer } from "vitest/node";

const WAITING = [
  "server/fragmentation-crash",
  "server/fragmentation",
  "server/rebuild-centroids",
  "server/leftovers",
  "server/hung",
  "server/crash",
  "server/search-cost",
  "server/jobs",
  "server/rebuild-centroids-crash",
  "server/in-the-way",
  "server/status-page",
  "server/throttle",
  "server/actuator",
  "server/maintenance",
  "server/db-cli",
  "server/crash-movers",
  "server/fuzz",
  "server/replicas-cli",
  "server/audit-crash",
];

const WORKING = [
  "server/typed",
  "server/consent-conditions",
  "server/fragmentation-data",
  "server/breaker",
  "server/shapes",
  "server/keys",
  "server/chaos",
  "server/tuned-settings",
  "attacks/owner",
  "embedded/demo",
  "embedded/decisions",
  "server/usefulness",
  "integration/modes",
  "server/writers",
];

/** Two that wait at once, then one for each three that work. */
const EVERY = 4;

const placeIn = (names: readonly string[], { moduleId }: TestSpecification): number =>
  names.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));

export function ordered(files: readonly TestSpecification[]): TestSpecification[] {
  const rank = (file: TestSpecification): number => {
    const place = placeIn(WORKING, file);
    return place < 0 ? WORKING.length : place;
  };
  const waiting = files
    .filter((file) => placeIn(WAITING, file) >= 0)
    .sort((a, b) => placeIn(WAITING, a) - placeIn(WAITING, b));
  const working = files
    .filter((file) => placeIn(WAITING, file) < 0)
    .sort((a, b) => rank(a) - rank(b));
  const all = waiting.splice(0, 1);
  for (const file of working) {
    if (all.length % EVERY === 1) all.push(...waiting.splice(0, 1));
    all.push(file);
  }
  return [...all, ...waiting];
}

export class Order extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return ordered(await super.sort(files));
  }
}
