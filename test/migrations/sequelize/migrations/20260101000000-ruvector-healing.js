const { readFileSync } = require("node:fs");

exports.up = ({ sequelize }) => sequelize.query(readFileSync("ruvector_healing.sql", "utf8"));
exports.down = async () => {};
