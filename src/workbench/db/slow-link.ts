/**
 * A slow link: a proxy on loopback that lets bytes through to one side at a limited rate. For tests
 * and drills.
 */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface SlowLink {
  /** The port to connect to instead of the target's. */
  readonly port: number;
  /**
   * Bytes a second from the target to whoever connected, over all connections; null: as fast as it
   * goes; 0: none.
   */
  limit(bytesPerSecond: number | null): void;
  /** Bytes that came through so far. */
  passed(): number;
  /** Ends the proxy and its connections. */
  close(): Promise<void>;
}

/**
 * How often a share of the rate is let through, in milliseconds: fine enough for a stream, coarse
 * enough to cost nothing.
 */
const TURN_MS = 50;

/**
 * Bytes that may wait in the proxy before the target is no longer read from: the sender then feels
 * the slow link itself.
 */
const WAITING = 64 * 1024;

/** One connection through the link. */
interface Line {
  /** Lets up to so many bytes of the target through to the client; returns how many went. */
  release(allowance: number): number;
  end(): void;
}

/**
 * Opens a link to a server on loopback. It delays, it does not drop; a limit holds from the moment
 * it is set.
 */
export async function slowLink(
  target: number,
  bytesPerSecond: number | null = null,
): Promise<SlowLink> {
  let rate = bytesPerSecond;
  let credit = 0;
  let through = 0;
  const lines = new Set<Line>();
  const release = (line: Line): void => {
    const sent = line.release(rate === null ? Number.POSITIVE_INFINITY : credit);
    through += sent;
    if (rate !== null) credit -= sent;
  };
  const server = createServer((client) => {
    const line = openLine(client, connect(target, "127.0.0.1"), {
      arrived: () => rate === null && release(line),
      ended: () => lines.delete(line),
    });
    lines.add(line);
  });
  const turn = setInterval(() => {
    // Nothing is saved up for longer than a second.
    if (rate !== null) credit = Math.min(rate, credit + (rate * TURN_MS) / 1000);
    lines.forEach(release);
  }, TURN_MS);
  // It must not keep a process alive that is done.
  turn.unref();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    limit: (next) => {
      rate = next;
      credit = 0;
    },
    passed: () => through,
    close: async () => {
      clearInterval(turn);
      for (const line of [...lines]) line.end();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** What the client sends passes at once, what the target sends waits for its turn. */
function openLine(client: Socket, target: Socket, on: { arrived(): void; ended(): void }): Line {
  const waiting: Buffer[] = [];
  let bytes = 0;
  const line: Line = {
    release(allowance) {
      let sent = 0;
      for (let chunk = waiting[0]; chunk !== undefined; chunk = waiting[0]) {
        const part = Math.min(chunk.length, Math.floor(allowance - sent));
        if (part <= 0) break;
        client.write(chunk.subarray(0, part));
        if (part === chunk.length) waiting.shift();
        else waiting[0] = chunk.subarray(part);
        sent += part;
      }
      bytes -= sent;
      if (bytes <= WAITING) target.resume();
      return sent;
    },
    end() {
      client.destroy();
      target.destroy();
      on.ended();
    },
  };
  client.setNoDelay(true);
  target.setNoDelay(true);
  client.pipe(target);
  target.on("data", (chunk: Buffer) => {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes > WAITING) target.pause();
    on.arrived();
  });
  for (const socket of [client, target]) {
    socket.on("error", () => line.end());
    socket.on("close", () => line.end());
  }
  return line;
}
