/**
 * PostgreSQL's protocol, version 3, as far as somebody in the middle has to know it: where messages
 * end, and a few of them to write.
 */
import type { Duplex } from "node:stream";

export interface Message {
  /** The letter that says what it is. */
  readonly type: string;
  readonly body: Buffer;
}

/** Codes in the place of a version: what a client asks before its startup message. */
const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;
/** PostgreSQL's own limits: MAX_STARTUP_PACKET_LENGTH, and 1 GB for what may hold data. */
const LONGEST_STARTUP = 10_000;
const LONGEST = 0x3fffffff;

export class ProtocolViolation extends Error {}

export interface Reader {
  /**
   * The client's parameters (user, database, application_name, ...); null when it left or only came
   * to cancel something.
   */
  startup(): Promise<Map<string, string> | null>;
  /** The next message; null at the end. Throws ProtocolViolation. */
  message(): Promise<Message | null>;
}

/** Takes exactly so many bytes off a stream; null when it ends before. */
type Take = (bytes: number) => Promise<Buffer | null>;

export function readerOf(stream: Duplex): Reader {
  const take = takerOf(stream);
  return { startup: () => readStartup(stream, take), message: () => readMessage(take) };
}

function takerOf(stream: Duplex): Take {
  const chunks = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let buffer: Buffer = Buffer.alloc(0);
  return async (bytes) => {
    if (buffer.length < bytes) {
      const parts = [buffer];
      for (let length = buffer.length; length < bytes;) {
        const { value, done } = await chunks.next();
        if (done) return null;
        parts.push(value);
        length += value.length;
      }
      buffer = Buffer.concat(parts);
    }
    const taken = buffer.subarray(0, bytes);
    buffer = buffer.subarray(bytes);
    return taken;
  };
}

async function readStartup(stream: Duplex, take: Take): Promise<Map<string, string> | null> {
  const head = await take(8);
  if (!head) return null;
  const length = head.readInt32BE(0);
  const code = head.readInt32BE(4);
  if (length < 8 || length > LONGEST_STARTUP)
    throw new ProtocolViolation("invalid length of startup packet");
  const rest = await take(length - 8);
  if (!rest || code === CANCEL_REQUEST) return null;
  if (code === SSL_REQUEST || code === GSS_REQUEST) {
    stream.write("N");
    return readStartup(stream, take);
  }
  if (code >>> 16 !== 3)
    throw new ProtocolViolation(
      `unsupported frontend protocol ${code >>> 16}.${code & 0xffff}: only 3.0 is spoken here`,
    );
  // NegotiateProtocolVersion: 3.0 is the newest here, no option was unknown.
  if (code & 0xffff) stream.write(message("v", Buffer.alloc(8)));
  const words = rest.toString("utf8").split("\0");
  const parameters = new Map<string, string>();
  for (let at = 0; words[at]; at += 2) parameters.set(words[at]!, words[at + 1] ?? "");
  return parameters;
}

async function readMessage(take: Take): Promise<Message | null> {
  const head = await take(5);
  if (!head) return null;
  const type = String.fromCharCode(head[0]!);
  const length = head.readInt32BE(1);
  if (length < 4 || length > LONGEST)
    throw new ProtocolViolation(
      `invalid message length ${length} of message type ${JSON.stringify(type)}`,
    );
  const body = await take(length - 4);
  return body && { type, body };
}

export function message(type: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, "latin1");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

export const query = (statement: string): Buffer => message("Q", Buffer.from(`${statement}\0`));

/** The startup message of the one user and the one database that PGlite has. */
export function startup(user: string, database: string): Buffer {
  const body = Buffer.from(`\0\x03\0\0user\0${user}\0database\0${database}\0\0`);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([length, body]);
}

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** An ErrorResponse that ends the connection. */
export function fatal({ code, message: text, hint }: Problem): Buffer {
  const fields: [string, string | undefined][] = [
    ["S", "FATAL"],
    ["V", "FATAL"],
    ["C", code],
    ["M", text],
    ["H", hint],
  ];
  return message(
    "E",
    Buffer.from(
      `${fields
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => `${name}${value}\0`)
        .join("")}\0`,
    ),
  );
}

/** AuthenticationCleartextPassword. */
export const askPassword = (): Buffer => message("R", Buffer.from([0, 0, 0, 3]));

export type Status = "I" | "T" | "E";

/**
 * What an answer's last message, ReadyForQuery, says of the transaction: none, open, failed.
 * Undefined when the answer does not end with one.
 */
export function statusOf(answer: Uint8Array): Status | undefined {
  const end = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength).subarray(-6);
  return end.length === 6 && end.subarray(0, 5).equals(Buffer.from([0x5a, 0, 0, 0, 5]))
    ? (String.fromCharCode(end[5]!) as Status)
    : undefined;
}

/** Whether there is an ErrorResponse among the answer's messages. */
export function failed(answer: Uint8Array): boolean {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  for (let at = 0; at < answer.length; at += 1 + view.getInt32(at + 1))
    if (answer[at] === 0x45) return true;
  return false;
}
