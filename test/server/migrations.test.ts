/**
 * The script as a migration, with the tools that are quick and small; npm run test:migrations has
 * all of them. What they make is what the driver alone makes, object by object.
 */
import { beforeAll, expect, inject, it } from "vitest";
import { fetched } from "../migrations/packages.ts";
import { migrate, objects, type Place } from "../migrations/run.ts";
import { TOOLS } from "../migrations/tools.ts";
import { testDatabase, type TestDatabase } from "./support/database.ts";

let db: TestDatabase;
let wanted: string[];
let place: Place;

beforeAll(async () => {
  db = await testDatabase();
  wanted = await objects(db.url);
  place = {
    language: inject("language"),
    url: (database) => Object.assign(new URL(db.url), { pathname: `/${database}` }).href,
  };
});

it.each(["knex", "node-pg-migrate"])("%s makes the same of it", async (name) => {
  const tool = TOOLS.find((one) => one.name === name)!;
  const database = `${db.name}_${name.replaceAll("-", "_")}`;
  expect(wanted.length).toBeGreaterThan(1000);
  const { failure } = await migrate(tool, await fetched(tool), place, wanted, database);
  expect(failure).toBe("");
});
