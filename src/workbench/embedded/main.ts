/**
 * The end of npm run build: the snapshot of the embedded database. The demo and the quick tests
 * make it too, when they need it; nothing for a server depends on it.
 */
import { messageOf } from "../db/problem.ts";
import { snapshotFile } from "./database-snapshot.ts";

await snapshotFile({ log: (line) => console.log(line) }).then(
  () => console.log("snapshot of the embedded database: there"),
  (error: unknown) =>
    console.warn(`snapshot of the embedded database: not made (${messageOf(error)})`),
);
