export * from "../../support/database.ts";
