import { defineConfig } from "vitest/config";
import { root } from "../build/project.ts";
import { LongestFirst } from "./support/longest-first.ts";

// Three projects: unit tests need nothing; embedded tests run PostgreSQL inside the process; server tests need the throwaway server, made by their
// global setup. What is in test/integration runs on both.
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], root, environment: "node" } },
      {
        test: {
          name: "embedded",
          include: ["test/embedded/**/*.test.ts", "test/integration/**/*.test.ts"],
          globalSetup: ["test/support/embedded-setup.ts", "test/embedded/support/global-setup.ts"],
          root,
          environment: "node",
          // Starting a database takes seconds of one core, and there are two: many times that when others use them too.
          testTimeout: 180_000,
          hookTimeout: 240_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "server",
          include: ["test/server/**/*.test.ts", "test/integration/**/*.test.ts"],
          root,
          environment: "node",
          globalSetup: ["test/server/support/global-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // The server and the tests share two cores; much of the tests' time is waiting (for pg_cron's minutes, for restarts), so one more than cores.
          maxWorkers: 3,
        },
      },
    ],
  },
});
