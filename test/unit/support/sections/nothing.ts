import "./used.ts";
export const nothing = null;
