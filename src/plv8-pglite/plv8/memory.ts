/**
 * PostgreSQL's memory: reading and writing values at addresses, C strings, and varlena (its
 * variable-length values).
 */
import type { Functions, WebAssemblyModule } from "./symbols.ts";

export interface Memory {
  u8(address: number): number;
  u16(address: number): number;
  i16(address: number): number;
  u32(address: number): number;
  i32(address: number): number;
  i64(address: number): bigint;
  u64(address: number): bigint;
  f64(address: number): number;
  setU8(address: number, value: number): void;
  setU32(address: number, value: number): void;
  setI64(address: number, value: bigint): void;
  setF64(address: number, value: number): void;
  /** A copy of the bytes. */
  bytes(address: number, length: number): Uint8Array;
  setBytes(address: number, bytes: Uint8Array): void;
  text(address: number, length: number): string;
  /** A C string; null at address 0. */
  cString(address: number): string | null;
  /**
   * A new C string in the current memory context. It ends at the first NUL character of the text,
   * as in plv8.
   */
  newCString(value: string): number;
  /** Where the content of a varlena (not compressed, not toasted) begins, and how long it is. */
  varlena(address: number): { start: number; length: number };
  newVarlena(content: Uint8Array): number;
  /** Ends at the first NUL character too. */
  newText(value: string): number;
  allocate(size: number): number;
}

/**
 * The bytes of a text as V8 gives them to plv8: up to the first NUL character, and a surrogate
 * without its other half as three bytes, which are no UTF-8. Nothing checks them there either.
 */
function bytesOf(value: string): Uint8Array {
  const end = value.indexOf("\0");
  const text = end < 0 ? value : value.slice(0, end);
  const lone = text.search(LONE);
  if (lone < 0) return Buffer.from(text, "utf8");
  const code = text.charCodeAt(lone);
  const half = [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)];
  return Buffer.concat([
    Buffer.from(text.slice(0, lone), "utf8"),
    Buffer.from(half),
    bytesOf(text.slice(lone + 1)),
  ]);
}

const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

const VARLENA_HEADER = 4;

export function createMemory(module: WebAssemblyModule, functions: Functions): Memory {
  const access = createAccess(module);
  return { ...access, ...createValues(access, functions) };
}

/** What is made by PostgreSQL's allocation, or read by its own rules. */
type Values = Pick<Memory, "newCString" | "varlena" | "newVarlena" | "newText" | "allocate">;
type Access = Omit<Memory, keyof Values>;

function createAccess(module: WebAssemblyModule): Access {
  let heap = module.HEAPU8;
  let view = new DataView(heap.buffer);
  let buffer = Buffer.from(heap.buffer);
  // The memory grows by being replaced; the module then shows a new array.
  const current = (): DataView => {
    if (heap !== module.HEAPU8) {
      heap = module.HEAPU8;
      view = new DataView(heap.buffer);
      buffer = Buffer.from(heap.buffer);
    }
    return view;
  };
  return {
    u8: (address) => current().getUint8(address),
    u16: (address) => current().getUint16(address, true),
    i16: (address) => current().getInt16(address, true),
    u32: (address) => current().getUint32(address, true),
    i32: (address) => current().getInt32(address, true),
    i64: (address) => current().getBigInt64(address, true),
    u64: (address) => current().getBigUint64(address, true),
    f64: (address) => current().getFloat64(address, true),
    setU8: (address, value) => current().setUint8(address, value),
    setU32: (address, value) => current().setUint32(address, value, true),
    setI64: (address, value) => current().setBigInt64(address, value, true),
    setF64: (address, value) => current().setFloat64(address, value, true),
    bytes: (address, length) => (current(), heap.slice(address, address + length)),
    setBytes: (address, bytes) => (current(), heap.set(bytes, address)),
    // Buffer and not TextDecoder: it keeps a byte order mark, and is quicker on short texts.
    text: (address, length) => (current(), buffer.toString("utf8", address, address + length)),
    cString(address) {
      if (address === 0) return null;
      current();
      return buffer.toString("utf8", address, heap.indexOf(0, address));
    },
  };
}

function createValues(access: Access, functions: Functions): Values {
  function newVarlena(content: Uint8Array): number {
    const address = functions.palloc(content.length + VARLENA_HEADER);
    access.setU32(address, (content.length + VARLENA_HEADER) << 2);
    access.setBytes(address + VARLENA_HEADER, content);
    return address;
  }

  return {
    newCString(value) {
      const content = bytesOf(value);
      const address = functions.palloc(content.length + 1);
      access.setBytes(address, content);
      access.setU8(address + content.length, 0);
      return address;
    },
    varlena(address) {
      const first = access.u8(address);
      if (first & 1) return { start: address + 1, length: (first >> 1) - 1 };
      return {
        start: address + VARLENA_HEADER,
        length: (access.u32(address) >>> 2) - VARLENA_HEADER,
      };
    },
    newVarlena,
    newText: (value) => newVarlena(bytesOf(value)),
    allocate: (size) => functions.palloc(size),
  };
}
