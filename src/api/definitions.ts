/** What SQL and documentation repeat: the build runs this file and reads it as data. */
export { SETTINGS } from "../configuration/settings.ts";
export { STRATEGIES } from "../strategies/registry.ts";
export { WINDOW_DAYS } from "../learn/weights.ts";
export { OPERATIONS } from "./operations.ts";
