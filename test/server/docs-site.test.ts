/**
 * npm run docs makes the site, and fails where a link leads nowhere. Its packages come from npm,
 * once: among the server's tests, which fetch what they need.
 */
import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { root } from "../../build/project.ts";

it("the documentation becomes a site, without a link that leads nowhere", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "build/docs/main.ts"],
    { cwd: root, maxBuffer: 10_000_000, env: { ...process.env, NODE_ENV: "production" } },
  );
  expect(stdout).toMatch(/dist\/docs: \d+ pages/);
  for (const page of ["index.html", "docs/install.html", "docs/strategies/tune-search.html"])
    expect((await stat(join(root, "dist/docs", page))).size, page).toBeGreaterThan(5_000);
});
