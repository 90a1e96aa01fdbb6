/**
 * A server of somebody else, named by DATABASE_URL: used as it is, never stopped, killed or
 * emptied.
 */
import { withoutPassword } from "../../commands/connect.ts";
import { connected } from "./connection.ts";
import { chosen, wantedInWords } from "./language.ts";
import { messageOf, ServerProblem } from "./problem.ts";
import { givenSite, wantedVersion } from "./site.ts";

export function externalUrl(): string | undefined {
  const url = process.env["DATABASE_URL"];
  if (url === undefined || url === "") return undefined;
  if (givenSite() !== undefined) {
    throw new ServerProblem(
      "DATABASE_URL is set, and " +
        `RUVECTOR_HEALING_${givenSite() === "root" ? "ROOT" : "BINDIR"} too: which of them is ` +
        "meant?",
      "Unset one of them.",
    );
  }
  if (!URL.canParse(url)) {
    throw new ServerProblem(
      `DATABASE_URL is not an address: ${withoutPassword(url)}`,
      "It looks like postgresql://user:password@host:5432/database",
    );
  }
  return url;
}

/** The same server, another database. */
export function withDatabase(url: string, database: string | undefined): string {
  if (database === undefined) return url;
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  return other.href;
}

/** Without the password, for messages. */
export function shown(url: string): string {
  const plain = new URL(url);
  if (plain.password !== "") plain.password = "***";
  return plain.href;
}

/** What the server lacks of what this project needs, in words; empty when it has everything. */
export async function missingExtensions(url: string): Promise<string[]> {
  return connected(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      "SELECT name FROM pg_available_extensions WHERE name IN ('plv8', 'pljs', 'vector', " +
        "'pg_cron')",
    );
    const names = new Set(rows.map(({ name }) => name));
    const cron = await client.query<{ database: string | null }>(
      "SELECT current_setting('cron.database_name', true) AS database",
    );
    const missing: string[] = [];
    if (chosen(names) === undefined) missing.push(`${wantedInWords()} (JavaScript functions)`);
    const version = Math.floor(
      (
        await client.query<{ number: number }>(
          "SELECT current_setting('server_version_num')::int AS number",
        )
      ).rows[0]!.number / 10_000,
    );
    if ((wantedVersion() ?? version) !== version)
      missing.push(
        `PostgreSQL ${wantedVersion()} (RUVECTOR_HEALING_PG_VERSION): it is PostgreSQL ${version}`,
      );
    if (!names.has("vector")) missing.push("vector (pgvector)");
    if (!names.has("pg_cron")) missing.push("pg_cron");
    else if (cron.rows[0]?.database == null) {
      missing.push(
        "pg_cron in shared_preload_libraries (it is installed; a restart is needed after " +
          "adding it)",
      );
    }
    return missing;
  });
}

export async function checkExternal(url: string): Promise<void> {
  let missing: string[];
  try {
    missing = await missingExtensions(url);
  } catch (error) {
    throw new ServerProblem(
      `The server of DATABASE_URL (${shown(url)}) does not answer: ${messageOf(error)}`,
      "Start it or correct the address; or unset DATABASE_URL to get a throwaway server.",
    );
  }
  if (missing.length === 0) return;
  throw new ServerProblem(
    `The server of DATABASE_URL (${shown(url)}) lacks:`,
    ...missing.map((what) => `- ${what}`),
    "Install those packages on that server; or unset DATABASE_URL to get a throwaway server " +
      "that has them.",
  );
}
