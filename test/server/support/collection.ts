export * from "../../support/collection.ts";
