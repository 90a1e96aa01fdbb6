import { createServer } from "node:net";
import getPort, { portNumbers } from "get-port";
import { firstPort, rememberedPorts } from "./places.ts";

/**
 * Whether a server could listen on this loopback port now. (get-port refuses a port that it gave
 * out itself.)
 */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () =>
      probe.close(() => resolve(true)),
    );
  });
}

/**
 * A free loopback port, from a range of ours while it has one; never the same twice in a row, nor
 * one that another server comes back to: while that is down (killed by a test, say) its port is
 * free only to look at.
 */
export async function anyFreePort(): Promise<number> {
  return getPort({
    port: portNumbers(firstPort, firstPort + 80),
    host: "127.0.0.1",
    exclude: await rememberedPorts(),
  });
}
