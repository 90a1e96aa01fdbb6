/**
 * Ed25519 keys of the audit chain, outside the database: made, read, and known by the same name as
 * there.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";

export class KeyProblem extends Error {
  override readonly name = "KeyProblem";
}

export interface AuditKey {
  /**
   * As the database names it: the first 16 hex digits of the SHA-256 of the public key's 32 bytes.
   */
  readonly id: string;
  readonly publicPem: string;
  /** Whether others than its owner and group may read the file. */
  readonly exposed: boolean;
  /** The 64 bytes in hex. */
  sign(text: string): string;
}

function idOf(publicKey: KeyObject): string {
  const { x } = publicKey.export({ format: "jwk" }) as { x: string };
  return createHash("sha256").update(Buffer.from(x, "base64url")).digest("hex").slice(0, 16);
}

export function readAuditKey(file: string): AuditKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(file));
  } catch (error) {
    throw new KeyProblem(
      `the audit key ${file} cannot be read: ` +
        `${error instanceof Error ? error.message : String(error)}. Make one: ruvector-healing ` +
        `audit-key ${file}`,
    );
  }
  if (key.asymmetricKeyType !== "ed25519")
    throw new KeyProblem(
      `the audit key ${file} is of type ${key.asymmetricKeyType}; it must be Ed25519. Make ` +
        "one: ruvector-healing audit-key audit.key",
    );
  const publicKey = createPublicKey(key);
  return {
    id: idOf(publicKey),
    publicPem: publicKey.export({ format: "pem", type: "spki" }) as string,
    exposed: (statSync(file).mode & 0o004) !== 0,
    sign: (text) => sign(null, Buffer.from(text, "ascii"), key).toString("hex"),
  };
}

/** Writes a new private key that only its owner may read; never over a file that is there. */
export function makeAuditKey(file: string): AuditKey {
  const { privateKey } = generateKeyPairSync("ed25519");
  try {
    writeFileSync(file, privateKey.export({ format: "pem", type: "pkcs8" }), {
      mode: 0o600,
      flag: "wx",
    });
  } catch (error) {
    throw new KeyProblem(
      (error as NodeJS.ErrnoException).code === "EEXIST"
        ? `${file} is there already: it is left as it is`
        : `${file} cannot be written: ${(error as Error).message}`,
    );
  }
  return readAuditKey(file);
}
