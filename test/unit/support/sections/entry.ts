import * as z from "zod/mini";
import sql from "sql-template-tag";
import { Base, SHAPE, twice } from "./used.ts";
import { never } from "./unused.ts";

export { again } from "./again.ts";

class Derived extends Base {
  override readonly name = "derived";
  static readonly made: string[] = [];
}

export const ends = "*/" + String(/[a]*/.test("a"));
export const derived = (): string => new Derived().name + String(Derived.made.length);
export const spread = (): object => ({ ...SHAPE, twice: twice(2) });
export const shadowed = (import_used: number): number => twice(import_used);
export const template = (): string => `${sql`SELECT ${twice(1)}`.text} ${SHAPE.a}`;
export const valid = (value: unknown): boolean =>
  z.safeParse(z.object({ a: z.number() }), value).success;
export const unused = (): unknown => never();
