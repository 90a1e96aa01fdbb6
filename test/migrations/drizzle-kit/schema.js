const { integer, pgTable } = require("drizzle-orm/pg-core");

exports.items = pgTable("items", { id: integer().primaryKey() });
