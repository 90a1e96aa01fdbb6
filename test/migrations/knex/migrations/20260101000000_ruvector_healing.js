const { readFileSync } = require("node:fs");

exports.up = (knex) => knex.raw(readFileSync("ruvector_healing.sql", "utf8"));
exports.down = () => {};
