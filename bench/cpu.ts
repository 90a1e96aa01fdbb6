/**
 * Milliseconds of a processor that a session of a server on this machine has used (unlike the
 * clock's they are the same beside other work), and the memory it has for itself.
 */
import { readFileSync } from "node:fs";
import type pg from "pg";

/** /proc/PID/stat counts hundredths of a second, on every Linux. */
const TICK_MS = 10;

/** Of the client's session until now; null: its process is not to be seen, as in a container. */
export async function cpuOf(client: pg.Client): Promise<(() => number) | null> {
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const read = (): number => {
    const text = readFileSync(`/proc/${rows[0]!.pid}/stat`, "utf8");
    // The name, in brackets, may hold anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    if (!text.includes("(postgres")) throw new Error("another process");
    return TICK_MS * (Number(fields[11]) + Number(fields[12]));
  };
  try {
    read();
    return read;
  } catch {
    return null;
  }
}

/**
 * Megabytes that a session's process has for itself: what the server's memory shrinks by with each
 * such session, without the pages it shares. null: not to be seen.
 */
export async function privateMemoryOf(client: pg.Client): Promise<number | null> {
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  try {
    const text = readFileSync(`/proc/${rows[0]!.pid}/smaps_rollup`, "utf8");
    const kilobytes = [...text.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)];
    return kilobytes.reduce((sum, [, kB]) => sum + Number(kB), 0) / 1024;
  } catch {
    return null;
  }
}
