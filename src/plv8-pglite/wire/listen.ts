/**
 * The database on a port of this machine's loopback, for psql and any other client: one at a time,
 * as PGlite has one session.
 */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { DATABASE, serveConnection, type Shared, USER } from "./connection.ts";
import type { Problem } from "./messages.ts";

/** How long a client waits for the one before to leave, until it is refused. */
const PATIENCE_MS = 1_000;

export interface Listening {
  /** postgresql://user:password@127.0.0.1:port/database */
  readonly url: string;
  /** From now on clients are served. */
  open(shared: Shared): void;
  /** Ends the connections and gives the port back. */
  close(): Promise<void>;
}

/**
 * Takes the port; clients are refused until `open`. Errors: what listen(2) says, EADDRINUSE for a
 * port that is taken.
 */
export async function listen(port: number, password: string): Promise<Listening> {
  let serving: Shared | undefined;
  /** Ends when the client that is served now has left and nothing of it is left. */
  let present: Promise<void> | undefined;
  const sockets = new Set<Socket>();

  /** One psql after another: the one before may still be leaving. */
  async function whyNot(): Promise<Problem | undefined> {
    if (!serving)
      return {
        code: "57P03",
        message: "the database is still being prepared",
        hint: "Connect when the program says that it listens.",
      };
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const over = once(patience, "abort").then(() => undefined);
    while (present && !patience.aborted) await Promise.race([present, over]);
    if (!present) return undefined;
    return {
      code: "53300",
      message: "another client is connected, and the embedded database has one session",
      hint: "Leave there first; a real server takes many: npm run demo -- --server",
    };
  }

  async function connected(socket: Socket): Promise<void> {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once("close", () => sockets.delete(socket));
    let left: (() => void) | undefined;
    const admit = async (): Promise<Shared | Problem> => {
      const problem = await whyNot();
      if (problem) return problem;
      present = new Promise((resolve) => (left = resolve));
      return serving!;
    };
    await serveConnection(socket, { password, admit });
    if (!left) return;
    present = undefined;
    left();
  }

  const server = createServer((socket) => void connected(socket));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1", exclusive: true }, resolve);
  });
  const address = server.address() as { port: number };
  const credentials = `${USER}:${encodeURIComponent(password)}`;
  return {
    url: `postgresql://${credentials}@127.0.0.1:${address.port}/${DATABASE}`,
    open: (shared) => void (serving = shared),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
