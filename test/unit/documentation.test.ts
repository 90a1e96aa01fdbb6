/** What the documentation lists, against what there is. */
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { readLevels, SECURITY_PAGE, withRights } from "../../build/rights-table.ts";
import { CONFIGURATION_PAGE, withTable } from "../../build/settings-table.ts";

it("docs/configuration.md has the settings as they are (npm run build writes them)", async () => {
  const page = await readFile(CONFIGURATION_PAGE, "utf8");
  expect(page).toBe(withTable(page));
});

it("docs/security.md has the levels as they are (npm run build writes them)", async () => {
  const page = await readFile(SECURITY_PAGE, "utf8");
  expect(page).toBe(withRights(page, await readLevels()));
});
