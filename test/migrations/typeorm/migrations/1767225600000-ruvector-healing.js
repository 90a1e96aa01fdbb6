const { readFileSync } = require("node:fs");

exports.RuvectorHealing1767225600000 = class RuvectorHealing1767225600000 {
  up(runner) {
    return runner.query(readFileSync("ruvector_healing.sql", "utf8"));
  }
  async down() {}
};
