/** Explanations for people: of an action, or of why there is none. */
export { explainAction } from "./action.ts";
export { explainCollection } from "./collection.ts";
