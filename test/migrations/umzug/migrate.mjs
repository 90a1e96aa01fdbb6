import { readFile } from "node:fs/promises";
import pg from "pg";
import { JSONStorage, Umzug } from "umzug";

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
const umzug = new Umzug({
  migrations: {
    glob: "migrations/*.sql",
    resolve: ({ name, path }) => ({
      name,
      up: async () => client.query(await readFile(path, "utf8")),
    }),
  },
  storage: new JSONStorage({ path: "done.json" }),
  logger: console,
});
await umzug.up();
await client.end();
