/**
 * The order of the test files: first those that mostly wait (for pg_cron's minutes, for a server's restart, for windows of time), so that the others
 * use the cores meanwhile, and the run does not end with one of them alone. Seconds they took on two cores decided what is here.
 */
import type { TestSpecification } from "vitest/node";
import { BaseSequencer } from "vitest/node";

const WAITING = [
  "fragmentation-crash", "rebuild-centroids", "status-page", "leftovers", "shapes", "fragmentation", "rebuild-centroids-crash", "fragmentation-data", "actuator", "typed",
].map((name) => `/${name}.test.ts`);

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId }: TestSpecification): number => {
      const found = WAITING.findIndex((name) => moduleId.endsWith(name));
      return found < 0 ? WAITING.length : found;
    };
    return sorted.map((file, index) => ({ file, index })).sort((a, b) => place(a.file) - place(b.file) || a.index - b.index).map(({ file }) => file);
  }
}
