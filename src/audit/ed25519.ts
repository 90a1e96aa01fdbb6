/**
 * Entry of the second bundle: Ed25519 (RFC 8032), and nothing else. It is loaded only when
 * something is to be signed or verified (ruvector.healing_ed25519), never by the loop, and knows
 * neither the engine nor SQL: bytes travel as hex.
 */
import { getPublicKey, hashes, sign, verify } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";

// The engines have no WebCrypto: the synchronous functions, with a SHA-512 in JavaScript.
hashes.sha512 = sha512;

interface Signed {
  readonly public_key: string;
  readonly message: string;
  readonly signature: string;
}

function bytes(hex: string): Uint8Array {
  const pairs = /^(?:[0-9a-f]{2})*$/.test(hex) ? (hex.match(/../g) ?? []) : null;
  if (!pairs) throw new TypeError("not lower case hex");
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}

const hex = (data: Uint8Array): string =>
  Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** What is signed is plain ASCII (docs/audit.md): its bytes are its characters. */
function ascii(text: string): Uint8Array {
  if (!/^[\x20-\x7e]*$/.test(text)) throw new TypeError("not plain ASCII");
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/**
 * Never throws for bytes that are no key or no signature: whatever somebody wrote into a table is
 * then simply not valid.
 */
function valid({ public_key, message, signature }: Signed): boolean {
  try {
    return verify(bytes(signature), ascii(message), bytes(public_key), { zip215: false });
  } catch {
    return false;
  }
}

const OPERATIONS: Readonly<Record<string, (input: never) => unknown>> = {
  public_key: ({ secret }: { secret: string }) => hex(getPublicKey(bytes(secret))),
  sign: ({ secret, message }: { secret: string; message: string }) =>
    hex(sign(ascii(message), bytes(secret))),
  verify: (all: readonly Signed[]) => all.map(valid),
};

/**
 * @returns JSON text of the result. An unknown operation or a bad secret is a defect of the calling
 *   SQL and throws.
 */
export function call(operation: string, input: string): string {
  const run = OPERATIONS[operation];
  if (!run) throw new TypeError(`no operation ${operation}`);
  return JSON.stringify(run(JSON.parse(input) as never));
}
