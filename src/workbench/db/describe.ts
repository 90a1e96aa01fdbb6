/** A server in words, as npm run db prints it. */
import pc from "../../commands/colours.ts";
import { connected } from "./connection.ts";
import { messageOf } from "./problem.ts";
import type { Server } from "./server.ts";

export function row(label: string, value: string): void {
  console.log(`  ${pc.dim(label.padEnd(11))}${value}`);
}

export async function describe(server: Server): Promise<void> {
  try {
    await connected(server.url(), async (client) => {
      const { rows } = await client.query<{ version: string; extensions: string | null }>(
        `SELECT current_setting('server_version') AS version,
                (SELECT string_agg(extname || ' ' || extversion, ', ' ORDER BY extname)
                   FROM pg_extension WHERE extname <> 'plpgsql') AS extensions`,
      );
      console.log(`${pc.green("running")}: the server "${server.name}" (${server.made_of})`);
      row("url", server.url());
      row("version", `PostgreSQL ${rows[0]?.version ?? "?"}`);
      row("extensions", rows[0]?.extensions ?? "none");
    });
  } catch (error) {
    console.log(
      `${pc.red("not answering")}: the server "${server.name}" (${server.made_of}): ` +
        `${messageOf(error)}`,
    );
    row("url", server.url());
    process.exitCode = 1;
  }
  if (server.kind !== "external") await describeReplicas(server);
  row("psql", server.psql);
  row("where", server.where);
}

/**
 * Each replica with its address, and what it says of itself: how far it is, or that it follows
 * nobody any more.
 */
async function describeReplicas(server: Server): Promise<void> {
  for (const replica of server.replicas) {
    const said = await connected(replica.url(), async (client) => {
      const { rows } = await client.query<{ says: string }>(
        `SELECT CASE WHEN NOT pg_is_in_recovery() THEN 'promoted: follows nobody'
                     WHEN pg_get_wal_replay_pause_state() <> 'not paused' THEN 'replay is paused'
                     WHEN EXISTS (SELECT FROM pg_stat_wal_receiver
                       WHERE status = 'streaming') THEN 'streaming'
                     ELSE 'not connected to the primary' END AS says`,
      );
      return rows[0]?.says ?? "";
    }).catch((error: unknown) => `not answering (${messageOf(error)})`);
    row(replica.name, `${replica.url()}  ${said}`);
  }
}
