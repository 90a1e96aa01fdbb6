/** A throwaway server for what is told of recall, with the loop installed and pg_cron. */
import type pg from "pg";
import { type Server, startServer } from "../../src/workbench/db/server.ts";
import { connectTo, install } from "../../src/workbench/drill/stage.ts";

export async function recallServer(name: string): Promise<{ server: Server; client: pg.Client }> {
  const server = await startServer({
    name,
    settings: {
      // Its turn comes by a simulated clock, or is the remedy's.
      autovacuum: "off",
      fsync: "off",
      shared_buffers: "512MB",
      max_wal_size: "4GB",
      maintenance_work_mem: "256MB",
      max_parallel_maintenance_workers: "0",
    },
    log: (line) => console.error(line),
  });
  const client = await connectTo(server.url());
  await install(client, server);
  return { server, client };
}
