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

/** The database is there, or it is not and why. */
type Opening = Extract<Reply, { kind: "opened" | "notOpened" }>;

const closed = (): EmbeddedError =>
  new EmbeddedError({ message: "the embedded database is closed", fields: {} });

/** The commands that the worker is at, each with who waits for it. */
class Commands {
  readonly listeners = new Set<(notice: Notice) => void>();
  private readonly waiting = new Map<number, Waiting>();
  private sequence = 0;
  private ended: Error | undefined;

  constructor(private readonly worker: Worker) {}

  get hasEnded(): boolean {
    return this.ended !== undefined;
  }

  send<Value>(command: Command): Promise<Value> {
    if (this.ended) return Promise.reject(this.ended);
    return new Promise<Value>((resolve, reject) => {
      const request: Request = { id: ++this.sequence, command };
      this.waiting.set(request.id, { resolve: resolve as (value: unknown) => void, reject });
      this.worker.postMessage(request);
    });
  }

  /** Nothing is answered any more. */
  end(reason: Error): void {
    this.ended ??= reason;
    for (const { reject } of this.waiting.values()) reject(this.ended);
    this.waiting.clear();
  }

  take(reply: Exclude<Reply, Opening>): void {
    if (reply.kind === "notice") {
      for (const listener of this.listeners) listener(reply.notice);
      return;
    }
    const request = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (reply.kind === "result") request?.resolve(reply.value);
    else request?.reject(new EmbeddedError(reply.failure));
  }
}

function databaseOf(worker: Worker, commands: Commands): EmbeddedDatabase {
  let closing: Promise<void> | undefined;
  const send = <Value>(command: Command): Promise<Value> =>
    closing ? Promise.reject(closed()) : commands.send<Value>(command);
  return {
    query: (statement, parameters = []) => send({ name: "query", statement, parameters }),
    exec: (script) => send({ name: "exec", script }),
    execProtocolRaw: (message) => send({ name: "raw", message }),
    dumpDataDir: () => send({ name: "dump" }),
    onNotice(listener) {
      commands.listeners.add(listener);
      return () => void commands.listeners.delete(listener);
    },
    close() {
      closing ??= (commands.hasEnded ? Promise.resolve() : commands.send<void>({ name: "close" }))
        .finally(() => worker.terminate())
        .then(() => undefined);
      return closing;
    },
  };
}

/** Why its thread has ended. */
function ending(error: Error & { code?: string }): EmbeddedError {
  const isMemory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
  return new EmbeddedError({
    message:
      "the embedded database has ended: " +
      `${isMemory ? "its JavaScript used more memory than there is" : error.message}`,
    fields: {},
  });
}

/**
 * Opens a database: seconds with initdb, about one from a snapshot or an existing directory.
 * Errors: EmbeddedError.
 */
export function openEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedDatabase> {
  const worker = startWorker(options);
  const commands = new Commands(worker);
  return new Promise((resolve, reject) => {
    worker.on("message", (reply: Reply) => {
      if (reply.kind === "opened") resolve(databaseOf(worker, commands));
      else if (reply.kind === "notOpened") {
        void worker.terminate();
        reject(new EmbeddedError(reply.failure));
      } else commands.take(reply);
    });
    const stop = (error: EmbeddedError): void => {
      commands.end(error);
      reject(error);
    };
    worker.on("error", (error) => stop(ending(error)));
    worker.on("exit", () => stop(closed()));
  });
}
