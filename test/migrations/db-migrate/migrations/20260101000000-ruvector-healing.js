const { readFileSync } = require("node:fs");

exports.up = (db) => db.runSql(readFileSync("ruvector_healing.sql", "utf8"));
exports.down = async () => {};
