import pg from "pg";
import Postgrator from "postgrator";

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
const postgrator = new Postgrator({
  migrationPattern: "migrations/*.sql",
  driver: "pg",
  database: client.database,
  execQuery: (query) => client.query(query),
});
await postgrator.migrate();
await client.end();
