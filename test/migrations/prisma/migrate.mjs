// What Prisma does with a migration where it works through a driver adapter. The program itself
// wants an engine that no package registry has.
import { readFile } from "node:fs/promises";
import { PrismaPg } from "@prisma/adapter-pg";

const connection = await new PrismaPg(process.env.DATABASE_URL).connect();
const path = "prisma/migrations/20260101000000_ruvector_healing/migration.sql";
await connection.executeScript(await readFile(path, "utf8"));
await connection.dispose();
