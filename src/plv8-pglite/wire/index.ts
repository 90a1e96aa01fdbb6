/**
 * An embedded database for clients of PostgreSQL's protocol: on a port, or node-postgres within the
 * process.
 */
export { clientOf } from "./client.ts";
export type { Shared } from "./connection.ts";
export { type Listening, listen } from "./listen.ts";
export { createTurns, type Turns } from "./turns.ts";
