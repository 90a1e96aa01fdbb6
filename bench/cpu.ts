/**
 * Milliseconds of a processor that a session of a server on this machine has used: unlike the
 * clock's they are the same beside other work.
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
