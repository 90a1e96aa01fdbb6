import * as all from "./used.ts";
export const whole = (): object => all;
