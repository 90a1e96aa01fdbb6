/** The `plv8` object and the levels of `plv8.elog`, in the global scope of the functions' realm. */
import { describe, type Errors, LanguageError, PlainError, ThrownText } from "./errors.ts";
import { LEVELS } from "./layout.ts";
import type { Memory } from "./memory.ts";
import type { Realm } from "./realm.ts";
import type { Routines } from "./routines.ts";
import type { Cursor, Plan, Spi } from "./statements.ts";
import { tryStack } from "./stack.ts";
import type { State } from "./state.ts";
import type { Functions } from "./symbols.ts";
import type { Transactions } from "./transactions.ts";

/** The plv8 whose behaviour this follows, and that it is not that one. */
export const VERSION = "3.2.2-embedded";

/** What the handlers know of the call that runs. */
export interface RunningCall {
  /**
   * False once the code has returned and its value is converted: the call's connection to the SPI
   * is closed then.
   */
  isOpen: boolean;
  /** Adds a row to the set that the function returns; null where it returns none. */
  returnNext: ((value: unknown) => void) | null;
}

interface Parts {
  readonly functions: Functions;
  readonly memory: Memory;
  readonly realm: Realm;
  readonly state: State;
  readonly errors: Errors;
  readonly transactions: Transactions;
  readonly spi: Spi;
  readonly routines: Routines;
  running(): RunningCall;
}

/** plv8 takes parameters as one array or as further arguments. */
const asList = (values: readonly unknown[]): readonly unknown[] =>
  Array.isArray(values[0]) ? (values[0] as unknown[]) : values;

export function installApi(parts: Parts): void {
  const { global } = parts.realm;
  Object.defineProperty(global, "plv8", { value: plv8Object(parts), enumerable: true });
  for (const [name, level] of Object.entries({ ...LEVELS, DEBUG: LEVELS.DEBUG5 })) {
    Object.defineProperty(global, name, { value: level, enumerable: true });
  }
}

/** Makes a function one of the realm's. */
type Offer = <Arguments extends unknown[]>(work: (...values: Arguments) => unknown) => unknown;

/**
 * An error on its way out becomes one of the realm; PostgreSQL's own are converted where they are
 * caught.
 */
const createOffer =
  ({ realm, state, errors, running }: Parts): Offer =>
  (work) => {
    const call = (...values: Parameters<typeof work>): unknown => {
      const saved = state.save();
      try {
        tryStack("little");
        // Code still runs then, of getters and toJSON; through the caller's connection it would
        // disturb the statement that called.
        if (!running().isOpen)
          throw new LanguageError("55000", "plv8 cannot be used while a result is converted");
        return work(...values);
      } catch (error) {
        throw errors.caught(saved, error);
      }
    };
    Object.setPrototypeOf(
      call,
      realm.global.Function ? (realm.global.Function as FunctionConstructor).prototype : null,
    );
    return call;
  };

const objectOf = (realm: Realm, members: Record<string, unknown>): unknown =>
  Object.assign(new realm.Object(), members);

function plv8Object(parts: Parts): unknown {
  const { realm, spi, running } = parts;
  const offer = createOffer(parts);
  return objectOf(realm, {
    version: VERSION,
    execute: offer((statement: unknown, ...parameters: unknown[]) =>
      spi.execute(String(statement), asList(parameters)),
    ),
    prepare: offer((statement: unknown, ...names: unknown[]) => {
      const types = names.length === 0 ? null : asList(names).map(String);
      return planObject(realm, offer, spi.prepare(String(statement), types));
    }),
    subtransaction: offer((work: unknown) =>
      typeof work === "function" ? subtransaction(parts, work as () => unknown) : undefined,
    ),
    find_function: offer((signature: unknown) => findFunction(parts, String(signature))),
    elog: offer((...values: unknown[]) => elog(parts, values)),
    ...quoting(parts, offer),
    return_next: offer((value: unknown) => {
      const { returnNext } = running();
      if (!returnNext)
        throw new PlainError("return_next called in context that cannot accept a set");
      returnNext(value);
    }),
    commit: offer(() => spi.endTransaction("commit")),
    rollback: offer(() => spi.endTransaction("rollback")),
  });
}

const planObject = (realm: Realm, offer: Offer, plan: Plan): unknown =>
  objectOf(realm, {
    execute: offer((...parameters: unknown[]) => plan.execute(asList(parameters))),
    cursor: offer((...parameters: unknown[]) =>
      cursorObject(realm, offer, plan.cursor(asList(parameters))),
    ),
    free: offer(() => (plan.free(), 0)),
  });

const cursorObject = (realm: Realm, offer: Offer, cursor: Cursor): unknown =>
  objectOf(realm, {
    fetch: offer((count?: number) =>
      cursor.fetch(count === undefined ? undefined : Math.trunc(Number(count))),
    ),
    move: offer((count: number) => cursor.move(Math.trunc(Number(count)))),
    close: offer(() => (cursor.close(), 1)),
  });

function atomic<Value>({ transactions }: Parts, work: () => Value): Value {
  tryStack("statement");
  return transactions.atomic(() => work());
}

/**
 * What is thrown in it comes out as another Error: its message is the text of the first, and that
 * is all (`plv8.subtransaction` in C++).
 */
function subtransaction(parts: Parts, work: () => unknown): unknown {
  try {
    return atomic(parts, work);
  } catch (error) {
    throw new PlainError(describe(error, parts.realm).message);
  }
}

function findFunction(parts: Parts, signature: string): unknown {
  const { errors, routines, transactions } = parts;
  const found = transactions.withScratch(() => atomic(parts, () => routines.find(signature)));
  if (!found)
    errors.report(LEVELS.WARNING, `failed to find or no permission for js function ${signature}`);
  return found?.code;
}

function elog({ realm, errors, transactions }: Parts, values: readonly unknown[]): void {
  if (values.length < 2) throw new ThrownText("usage: plv8.elog(elevel, ...)");
  const [level, ...words] = values;
  if (!Object.values<unknown>(LEVELS).includes(level)) throw new ThrownText("invalid error level");
  const message = words.map(String).join(" ");
  if (level === LEVELS.ERROR) throw new realm.Error(message);
  transactions.withScratch(() => errors.report(level as number, message));
}

/** PostgreSQL's quoting functions for C strings. */
function quoting(
  { functions, memory, transactions }: Parts,
  offer: Offer,
): Record<string, unknown> {
  const applied = (quote: (text: number) => number) => (text: unknown) =>
    transactions.withScratch(() => memory.cString(quote(memory.newCString(String(text)))));
  const literal = applied(functions.quote_literal_cstr);
  return {
    quote_literal: offer(literal),
    quote_nullable: offer((text: unknown) =>
      text === null || text === undefined ? "NULL" : literal(text),
    ),
    quote_ident: offer(applied(functions.quote_identifier)),
  };
}
