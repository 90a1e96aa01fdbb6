/** npm test --workspace plv8-pglite: its tests alone. The project's npm test has them too. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    // Starting a database takes seconds of one core, many times that on a busy machine.
    testTimeout: 180_000,
    hookTimeout: 240_000,
  },
});
