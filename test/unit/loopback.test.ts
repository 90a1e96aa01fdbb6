/** Whose Host header a server that listens on loopback answers to. */
import { request } from "node:http";
import { expect, it } from "vitest";
import { answer, isLoopback, serve } from "../../src/commands/actuator/http.ts";

it.each([
  "127.0.0.1",
  "127.1.2.3",
  "::1",
  "0:0:0:0:0:0:0:1",
  "::ffff:127.0.0.1",
  "localhost",
  "LocalHost",
])("%s is this machine", (host) => expect(isLoopback(host)).toBe(true));

it.each([
  "127.0.0.1.evil.example",
  "127.evil.example",
  "127.0.0.1.",
  "localhost.evil.example",
  "127.1",
  "2130706433",
  "0x7f.0.0.1",
  "10.0.0.1",
  "0.0.0.0",
  "::",
  "::ffff:10.0.0.1",
  "",
])("%s is not", (host) => expect(isLoopback(host)).toBe(false));

it("a page of the web that points a name of its own at this machine is not answered", async () => {
  const serving = await serve(
    { host: "127.0.0.1", port: 0 },
    [async (_, response) => answer(response, 200, "text/plain", "ok")],
    () => undefined,
  );
  const { port } = new URL(serving.url);
  const status = (host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port, headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
  try {
    for (const host of [`127.0.0.1:${port}`, "localhost", `[::1]:${port}`])
      expect(await status(host), host).toBe(200);
    for (const host of [
      "127.0.0.1.evil.example",
      `127.0.0.1.evil.example:${port}`,
      "localhost.evil.example",
      "[::1].evil.example",
      "evil.example",
      "127.0.0.1@evil.example",
    ]) {
      expect(await status(host), host).toBe(421);
    }
  } finally {
    await serving.close();
  }
});
