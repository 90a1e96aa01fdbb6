import { defineConfig } from "vitest/config";
import { root } from "../build/project.ts";

// Two projects: unit tests need nothing; server tests need the throwaway server, made by their global setup.
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], root, environment: "node" } },
      {
        test: {
          name: "server",
          include: ["test/server/**/*.test.ts"],
          root,
          environment: "node",
          globalSetup: ["test/server/support/global-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // The server and the tests share two cores.
          maxWorkers: 2,
        },
      },
    ],
  },
});
