/**
 * Ends a run in which no test file ends any more, and says which were open. Vitest stops a test
 * that waits for too long, but not one that keeps its process busy: such a run went on until the
 * machine's own limit, without a line to say why.
 */
import type { Reporter, TestModule } from "vitest/node";

/** The longest file takes 4 minutes on two cores that others use too. */
const MINUTES = 12;

export default class Silence implements Reporter {
  readonly #open = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  onTestRunStart(): void {
    this.#again();
  }

  onTestModuleStart(module: TestModule): void {
    this.#open.add(`${module.project.name} ${module.relativeModuleId}`);
    this.#again();
  }

  onTestModuleEnd(module: TestModule): void {
    this.#open.delete(`${module.project.name} ${module.relativeModuleId}`);
    this.#again();
  }

  onTestRunEnd(): void {
    clearTimeout(this.#timer);
  }

  #again(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      console.error(
        `No test file ended for ${MINUTES} minutes. Open: ${[...this.#open].join(", ")}.`,
      );
      process.exit(1);
    }, MINUTES * 60_000);
    this.#timer.unref();
  }
}
