/** What the signer of the audit head takes for an extension of what it signed. */
import { createHash, verify } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { extension } from "../../src/commands/actuator/audit.ts";
import { KeyProblem, makeAuditKey, readAuditKey } from "../../src/commands/actuator/audit-key.ts";

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");
const chain = [{ seq: 0, hash: "0".repeat(64), content_hash: "" }];
for (let seq = 1; seq <= 9; seq++) {
  const content_hash = sha(`event ${seq}`);
  chain.push({ seq, content_hash, hash: sha(`${chain[seq - 1]!.hash} ${seq} ${content_hash}`) });
}
const link = (seq: number) => ({ ...chain[seq]!, seq: String(seq) });
const head = (seq: number) => ({
  head: "",
  seq,
  hash: chain[seq]!.hash,
  key_id: "",
  held_by: "external",
  due: true,
});
/** Three a page. */
const pages =
  (links: { seq: string; content_hash: string; hash: string }[]) => async (after: number) =>
    links.filter(({ seq }) => Number(seq) > after).slice(0, 3);
const all = Array.from({ length: 9 }, (_, place) => link(place + 1));

describe("a head", () => {
  it("that extends what was signed is one, over pages and with events behind it", async () => {
    expect(await extension(chain[2]!, head(8), pages(all))).toBeNull();
    expect(await extension(chain[8]!, head(8), pages(all))).toBeNull();
    expect(await extension(chain[0]!, head(1), pages(all))).toBeNull();
  });

  it("that does not is none, and which event is wrong is said", async () => {
    expect(await extension(chain[8]!, head(5), pages(all))).toBe(
      "the chain ends at 5, and 8 was signed: its tail is gone",
    );
    expect(await extension(chain[2]!, head(8), pages(all.filter(({ seq }) => seq !== "5")))).toBe(
      "event 5 of the chain is missing",
    );
    expect(await extension(chain[2]!, head(8), pages(all.slice(0, 6)))).toBe(
      "the chain has no event after 6",
    );
    const changed = all.map((one) =>
      one.seq === "4" ? { ...one, content_hash: sha("another") } : one,
    );
    expect(await extension(chain[2]!, head(8), pages(changed))).toBe(
      "event 4 does not follow from what was signed",
    );
    expect(await extension({ seq: 2, hash: sha("another") }, head(8), pages(all))).toBe(
      "event 3 does not follow from what was signed",
    );
    expect(await extension(chain[2]!, { ...head(8), hash: sha("another") }, pages(all))).toMatch(
      "the hash at 8 is another",
    );
    expect(await extension(chain[8]!, { ...head(8), hash: sha("another") }, pages(all))).toMatch(
      "the hash at 8 is another",
    );
  });
});

describe("a key", () => {
  const folder = mkdtempSync(join(tmpdir(), "ruvector-healing-key-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("is written for its owner only, never over another, signs what node:crypto verifies", () => {
    const file = join(folder, "audit.key");
    const { id, publicPem } = makeAuditKey(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(() => makeAuditKey(file)).toThrow("is there already");
    const key = readAuditKey(file);
    expect(key).toMatchObject({ id, publicPem, exposed: false });
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(
      verify(
        null,
        Buffer.from("head"),
        createPublicKey(publicPem),
        Buffer.from(key.sign("head"), "hex"),
      ),
    ).toBe(true);
  });

  it("of another kind, or none, is refused", () => {
    const file = join(folder, "ec.key");
    writeFileSync(
      file,
      generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
        format: "pem",
        type: "pkcs8",
      }),
    );
    expect(() => readAuditKey(file)).toThrow("is of type ec; it must be Ed25519");
    writeFileSync(file, "no key");
    expect(() => readAuditKey(file)).toThrow(KeyProblem);
    expect(() => readAuditKey(join(folder, "none"))).toThrow("ruvector-healing audit-key");
  });
});
