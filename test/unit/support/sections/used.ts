export const SHAPE = { a: 1 };
export const twice = (value: number): number => 2 * value;
export class Base {
  readonly name: string = "base";
}
