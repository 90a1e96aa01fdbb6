/**
 * The database as its user sees it: starts the worker, sends it commands in order, hands notices
 * and errors on.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { Command, Failure, Notice, Reply, Request } from "./protocol.ts";

export interface EmbeddedOptions {
  /**
   * Directory of the database's files, made when it is missing; without one the database lies in
   * memory and ends with the process.
   */
  readonly dataDir?: string;
  /** What `dumpDataDir` gave (a tar, compressed or not): loaded instead of running initdb. */
  readonly snapshot?: Uint8Array;
  /**
   * file: address of the worker beside this file, bundled to JavaScript: a start takes two thirds
   * of the time then.
   */
  readonly worker?: string;
}

export type DatabaseNotice = Notice;

export interface EmbeddedDatabase {
  /**
   * One statement, with $1, $2, ... Rows as objects: int8 as number or bigint, date and timestamps
   * as Date, json parsed. Errors: EmbeddedError.
   */
  query<Row extends object>(statement: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /**
   * A script of many statements, in one transaction unless it has its own BEGIN and COMMIT (the
   * simple protocol). Errors: EmbeddedError.
   */
  exec(script: string): Promise<void>;
  /** One message of PostgreSQL's protocol, for a socket; errors and notices are in the answer. */
  execProtocolRaw(message: Uint8Array): Promise<Uint8Array>;
  /** Notices of `query` and `exec`. Returns what ends the listening. */
  onNotice(listener: (notice: DatabaseNotice) => void): () => void;
  /** The files of the database as a compressed tar. */
  dumpDataDir(): Promise<Uint8Array>;
  /** Shuts the database down and ends its thread. May be called again. */
  close(): Promise<void>;
}

/**
 * An error of PostgreSQL, with the fields of pg's DatabaseError; without `code` one of the
 * embedding itself.
 */
export class EmbeddedError extends Error {
  override readonly name = "EmbeddedError";
  declare readonly severity?: string;
  /** SQLSTATE. */
  declare readonly code?: string;
  declare readonly detail?: string;
  declare readonly hint?: string;
  declare readonly where?: string;
  declare readonly schema?: string;
  declare readonly table?: string;
  declare readonly column?: string;
  declare readonly dataType?: string;
  declare readonly constraint?: string;
  declare readonly position?: string;
  constructor({ message, fields }: Failure) {
    super(message);
    Object.assign(this, fields);
  }
}

/**
 * Megabytes of stack for the engine: enough that PostgreSQL's own limit (max_stack_depth, 2 MB of
 * its C stack) comes first (test/embedded/stress.test.ts). On Node.js's main thread it does not.
 */
const STACK_MEGABYTES = 8;

/**
 * Megabytes of JavaScript values. Beyond it the thread ends, and with it the database; PostgreSQL's
 * own memory, at most 2 GB, is apart.
 */
const HEAP_MEGABYTES = 2048;

/**
 * The worker beside this file: TypeScript in the repository, JavaScript when compiled. A worker of
 * Node.js 20 does not take `--import tsx` over from its parent, and under vitest the parent has
 * none, so that TypeScript is registered by a first line of its own.
 */
function startWorker({ worker, ...options }: EmbeddedOptions): Worker {
  const settings = {
    workerData: options,
    execArgv: [],
    resourceLimits: { stackSizeMb: STACK_MEGABYTES, maxOldGenerationSizeMb: HEAP_MEGABYTES },
  };
  if (worker !== undefined) return new Worker(new URL(worker), settings);
  if (!import.meta.url.endsWith(".ts"))
    return new Worker(new URL("./worker.js", import.meta.url), settings);
  const file = new URL("./worker.ts", import.meta.url).href;
  // tsx/esm/api as an import finds it; from here its CommonJS twin would be found.
  const tsx = new URL(
    "./esm/api/index.mjs",
    pathToFileURL(createRequire(import.meta.url).resolve("tsx")),
  ).href;
  const start =
    `import(${JSON.stringify(tsx)}).then(({ register }) => { register(); return ` +
    `import(${JSON.stringify(file)}); })`;
  return new Worker(start, { ...settings, eval: true });
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * Opens a database: seconds with initdb, about one from a snapshot or an existing directory.
 * Errors: EmbeddedError.
 */
export function openEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedDatabase> {
  const worker = startWorker(options);
  const waiting = new Map<number, Waiting>();
  const listeners = new Set<(notice: Notice) => void>();
  let sequence = 0;
  let ended: Error | undefined;
  let closing: Promise<void> | undefined;

  function send<Value>(command: Command): Promise<Value> {
    if (ended) return Promise.reject(ended);
    return new Promise<Value>((resolve, reject) => {
      const request: Request = { id: ++sequence, command };
      waiting.set(request.id, { resolve: resolve as (value: unknown) => void, reject });
      worker.postMessage(request);
    });
  }

  function end(reason: Error): void {
    ended ??= reason;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  }

  function take(reply: Exclude<Reply, { kind: "opened" | "notOpened" }>): void {
    if (reply.kind === "notice") {
      for (const listener of listeners) listener(reply.notice);
      return;
    }
    const request = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.kind === "result") request?.resolve(reply.value);
    else request?.reject(new EmbeddedError(reply.failure));
  }

  const refuseWhenClosing = <Value>(command: Command): Promise<Value> =>
    closing
      ? Promise.reject(
          new EmbeddedError({ message: "the embedded database is closed", fields: {} }),
        )
      : send<Value>(command);

  const database: EmbeddedDatabase = {
    query: (statement, parameters = []) =>
      refuseWhenClosing({ name: "query", statement, parameters }),
    exec: (script) => refuseWhenClosing({ name: "exec", script }),
    execProtocolRaw: (message) => refuseWhenClosing({ name: "raw", message }),
    dumpDataDir: () => refuseWhenClosing({ name: "dump" }),
    onNotice(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      closing ??= (ended ? Promise.resolve() : send<void>({ name: "close" }))
        .finally(() => worker.terminate())
        .then(() => undefined);
      return closing;
    },
  };

  return new Promise((resolve, reject) => {
    worker.on("message", (reply: Reply) => {
      if (reply.kind === "opened") resolve(database);
      else if (reply.kind === "notOpened") {
        void worker.terminate();
        reject(new EmbeddedError(reply.failure));
      } else take(reply);
    });
    const stop = (message: string): void => {
      const error = new EmbeddedError({ message, fields: {} });
      end(error);
      reject(error);
    };
    worker.on("error", (error: Error & { code?: string }) => {
      const isMemory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      stop(
        "the embedded database has ended: " +
          `${isMemory ? "its JavaScript used more memory than there is" : error.message}`,
      );
    });
    worker.on("exit", () => stop("the embedded database is closed"));
  });
}
