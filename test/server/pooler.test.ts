/** What a pooler before the server refuses: PgBouncer's startup packet, byte by byte. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { reader } from "../../src/commands/actuator/reader.ts";
import { target } from "../../src/commands/connect.ts";
import { afterwards } from "../support/afterwards.ts";
import { testDatabase } from "./support/database.ts";

/** As PgBouncer 1.18 answers, which knows a few parameters and none of the others. */
function refusal(startup: Buffer): Buffer | null {
  if (!startup.includes("statement_timeout\0")) return null;
  const text = "SERROR\0C08P01\0Munsupported startup parameter: statement_timeout\0\0";
  const head = Buffer.from("E\0\0\0\0");
  head.writeInt32BE(text.length + 4, 1);
  return Buffer.concat([head, Buffer.from(text)]);
}

it("the page and watch read through a pooler that knows no statement_timeout", async () => {
  const db = await testDatabase();
  const server = new URL(db.url);
  const refused: Socket[] = [];
  const pooler = createServer((client) => {
    client.once("data", (startup: Buffer) => {
      const error = refusal(startup);
      if (error !== null) {
        refused.push(client);
        client.end(error);
        return;
      }
      const behind = connect(Number(server.port), server.hostname);
      behind.write(startup);
      client.pipe(behind).pipe(client);
      for (const one of [client, behind]) one.on("error", () => undefined);
    });
  }).listen(0, "127.0.0.1");
  await once(pooler, "listening");
  afterwards(() => pooler.close());
  const url = new URL(db.url);
  url.port = String((pooler.address() as AddressInfo).port);
  url.searchParams.set("sslmode", "disable");
  const reads = reader(target(url.href));
  try {
    for (const asked of [reads.query, reads.once])
      expect(await asked("SELECT 7 AS seven")).toEqual([{ seven: 7 }]);
    expect(refused).toHaveLength(1);
  } finally {
    await reads.end();
  }
  // Where nothing is in between the server ends what takes too long.
  const straight = reader(target(db.url));
  expect(await straight.query("SHOW statement_timeout")).toEqual([{ statement_timeout: "10s" }]);
  await straight.end();
});
