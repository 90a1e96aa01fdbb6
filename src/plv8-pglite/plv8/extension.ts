/**
 * The language as an extension of PGlite: puts the side module where PostgreSQL looks for it, and
 * connects the handlers.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Extension, PGlite } from "@electric-sql/pglite";
import { installApi } from "./api.ts";
import { createErrors } from "./errors.ts";
import { createHandlers, type Handlers } from "./handlers.ts";
import { PGLITE_VERSION, POSTGRES_MAJOR } from "./layout.ts";
import { createMemory } from "./memory.ts";
import { createRealm } from "./realm.ts";
import { createRoutines } from "./routines.ts";
import { HANDLERS, importName, sideModule } from "./side-module.ts";
import { createSpi } from "./spi.ts";
import { createState } from "./state.ts";
import { type Symbols, symbolsOf, UnsupportedPGlite, type WebAssemblyModule } from "./symbols.ts";
import { createTransactions } from "./transactions.ts";
import { createTuples } from "./tuples.ts";
import { createTypes } from "./types.ts";
import type { Tuples } from "./values.ts";

/**
 * The functions that the WebAssembly module imports; a side module finds its own imports there too.
 */
type Imports = Record<string, unknown> & { _emscripten_throw_longjmp(): never };

const LIBRARIES = "/pglite/lib/postgresql";
const EXTENSIONS = "/pglite/share/postgresql/extension";

const CONTROL = `comment = 'PL/JavaScript, embedded: runs in the engine that runs PGlite'
default_version = '3.2'
module_pathname = '$libdir/plv8'
relocatable = false
schema = pg_catalog
superuser = true
trusted = true
`;

const SCRIPT = `
CREATE FUNCTION plv8_call_handler() RETURNS language_handler LANGUAGE c AS 'MODULE_PATHNAME';
CREATE FUNCTION plv8_inline_handler(internal) RETURNS void LANGUAGE c AS 'MODULE_PATHNAME';
CREATE FUNCTION plv8_validator(oid) RETURNS void LANGUAGE c AS 'MODULE_PATHNAME';
CREATE TRUSTED
  LANGUAGE plv8 HANDLER plv8_call_handler INLINE plv8_inline_handler VALIDATOR plv8_validator;
COMMENT ON LANGUAGE plv8 IS 'JavaScript, embedded in PGlite';
`;

/** After this `CREATE EXTENSION plv8` works, as on a server. Errors: UnsupportedPGlite. */
export const plv8Extension: Extension = {
  name: "plv8",
  setup: async (
    database,
    options: { instantiateWasm?: (imports: { env: Imports }, done: unknown) => unknown },
  ) => {
    checkVersion();
    let imports: Imports | undefined;
    const instantiate = options.instantiateWasm;
    options.instantiateWasm = (given, done) => {
      imports = given.env;
      return instantiate!(given, done);
    };
    return { emscriptenOpts: options, init: async () => start(database as PGlite, imports) };
  },
};

function checkVersion(): void {
  // Its package.json is not among its exports.
  const main = createRequire(import.meta.url).resolve("@electric-sql/pglite");
  const { version } = JSON.parse(readFileSync(join(dirname(main), "../package.json"), "utf8")) as {
    version: string;
  };
  if (version !== PGLITE_VERSION) throw new UnsupportedPGlite(`${version} is installed`);
}

async function start(database: PGlite, imports: Imports | undefined): Promise<void> {
  const module = (database as unknown as { Module?: WebAssemblyModule }).Module;
  if (!module || !imports)
    throw new UnsupportedPGlite("the one installed does not give access to its WebAssembly module");
  const { rows } = await database.query<{ version: number }>(
    "SELECT current_setting('server_version_num')::int AS version",
  );
  const major = Math.trunc(rows[0]!.version / 10_000);
  if (major !== POSTGRES_MAJOR)
    throw new UnsupportedPGlite(`the one installed is PostgreSQL ${major}`);
  const symbols = symbolsOf(module);
  const handlers = createLanguage(module, symbols, imports);
  for (const handler of HANDLERS) imports[importName(handler)] = handlers[handler];
  putFiles(module);
  // plpgsql.so lends the side module its magic block and pg_finfo function.
  await database.exec("LOAD 'plpgsql'");
  await database.exec("CREATE EXTENSION IF NOT EXISTS plv8");
  // Creating a function also checks that the layout of PostgreSQL's memory is the expected one.
  await database.exec(
    "BEGIN; CREATE FUNCTION pg_temp.plv8_check() RETURNS void LANGUAGE plv8 AS ''; SELECT " +
      "pg_temp.plv8_check(); ROLLBACK",
  );
}

function putFiles(module: WebAssemblyModule): void {
  const files = (
    module as unknown as { FS: { writeFile(path: string, content: string | Uint8Array): void } }
  ).FS;
  files.writeFile(`${LIBRARIES}/plv8.so`, sideModule());
  files.writeFile(`${EXTENSIONS}/plv8.control`, CONTROL);
  files.writeFile(`${EXTENSIONS}/plv8--3.2.sql`, SCRIPT);
}

/** Puts the parts together. */
function createLanguage(module: WebAssemblyModule, symbols: Symbols, imports: Imports): Handlers {
  const { functions, variables } = symbols;
  const memory = createMemory(module, functions);
  const state = createState(module, symbols, memory);
  const realm = createRealm();
  const errors = createErrors({ symbols, memory, state, realm, jump: jumpClass(imports) });
  const transactions = createTransactions(symbols, memory, state, errors);
  const former = state.switchMemory(memory.u32(variables.TopMemoryContext));
  const workArea = functions.palloc(16);
  state.switchMemory(former);

  let tuples: Tuples;
  const types = createTypes({ functions, memory, realm, workArea, tuples: () => tuples });
  tuples = createTuples({ functions, memory, realm, types });
  const spi = createSpi({ symbols, memory, state, errors, transactions, types, tuples });
  const routines = createRoutines({ functions, memory, realm, spi });
  const parts = { symbols, memory, realm, state, errors, transactions, types, tuples, routines };
  const { handlers, running } = createHandlers(parts);
  installApi({ functions, memory, realm, state, errors, transactions, spi, routines, running });
  return handlers;
}

/** What longjmp throws, found out by having it thrown. */
function jumpClass(imports: Imports): new () => object {
  try {
    imports._emscripten_throw_longjmp();
  } catch (error) {
    if (typeof error === "object" && error !== null) return error.constructor as new () => object;
  }
  throw new UnsupportedPGlite("its longjmp throws no object");
}
