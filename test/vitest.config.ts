import { defineConfig } from "vitest/config";
import { root } from "../build/project.ts";
import { Order } from "./support/order.ts";
import { PATIENCE_MS } from "./support/patience.ts";

// Some server tests mostly wait (for pg_cron's minutes, for restarts): more workers than the two
// cores they were tried on keep those busy. 6 take as long (14.0 minutes).
const maxWorkers = 4;

// What a test waits for takes milliseconds, and on a busy machine many times that: one second, the
// default, was not always enough.
const patient = { poll: { timeout: PATIENCE_MS } };

// Three projects: unit tests need nothing; embedded tests run PostgreSQL inside the process; server
// tests need the throwaway server, made by their global setup. What is in test/integration runs on
// both. Embedded and server tests of one run share the workers.
export default defineConfig({
  test: {
    sequence: { sequencer: Order },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "src/plv8-pglite/test/unit/**/*.test.ts"],
          root,
          environment: "node",
          // Pure modules: a process for each file would be half of their time (21 s of a core to
          // 9). Those of the others hold servers and databases.
          isolate: false,
          testTimeout: 30_000,
          // To make the bundles took more than the 10 s that are usual (load 19).
          hookTimeout: 120_000,
          sequence: { groupOrder: 0 },
          maxWorkers,
        },
      },
      {
        test: {
          name: "embedded",
          include: [
            "test/embedded/**/*.test.ts",
            "test/integration/**/*.test.ts",
            "src/plv8-pglite/test/embedded/**/*.test.ts",
          ],
          globalSetup: [
            "test/support/embedded-setup.ts",
            "src/plv8-pglite/test/support/global-setup.ts",
          ],
          root,
          environment: "node",
          // Starting a database takes seconds of one core, and there are two: many times that when
          // others use them too. Longer than what tests wait for, so that those say what did not
          // come.
          testTimeout: 400_000,
          hookTimeout: 400_000,
          expect: patient,
          sequence: { groupOrder: 1 },
          maxWorkers,
        },
      },
      {
        test: {
          name: "server",
          include: ["test/server/**/*.test.ts", "test/integration/**/*.test.ts"],
          root,
          environment: "node",
          globalSetup: ["test/server/support/global-setup.ts"],
          // As above: 60 s were not enough beside other suites (load 25).
          testTimeout: 400_000,
          hookTimeout: 400_000,
          expect: patient,
          sequence: { groupOrder: 1 },
          maxWorkers,
        },
      },
    ],
  },
});
