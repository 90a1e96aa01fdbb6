/**
 * A short chaos run with a fixed seed: npm run test:chaos has all faults, and as many of them as
 * there is time for.
 */
import { expect, it } from "vitest";
import { run } from "../chaos/run.ts";
import { Ledger } from "../chaos/ledger.ts";
import { random } from "../chaos/random.ts";
import { external } from "./support/cron.ts";

// A server of DATABASE_URL is not ours to kill.
it.skipIf(external)(
  "faults of every quick kind are survived, with writers and readers at work",
  async () => {
    const said: string[] = [];
    // Of 400 seeds the one whose 14 faults are of the most kinds: all 11.
    const result = await run({
      seed: 182,
      faults: 14,
      short: true,
      server: `${process.env["RUVECTOR_HEALING_TEST_SERVER"] ?? "test"}-chaos`,
      log: (line) => said.push(line),
    });
    expect(result.violation, said.join("\n")).toBeNull();
    // They did hit something, and there was work for them to hit.
    expect(
      Object.values(result.survived).reduce((sum, count) => sum + count, 0),
      said.join("\n"),
    ).toBeGreaterThanOrEqual(10);
    expect(Object.keys(result.survived).length).toBeGreaterThanOrEqual(8);
    expect(result.statements).toBeGreaterThan(200);
  },
  600_000,
);

it(
  "a ledger tells what is lost, doubled, changed and made up, and leaves open what nobody was " +
    "told",
  () => {
    const ledger = new Ledger();
    for (const id of [1, 2, 3, 4, 5, 6]) ledger.acknowledge(id, `row ${id}`);
    ledger.doubt(5, null);
    ledger.doubt(6, "new");
    ledger.doubt(7, "inserted");
    const found = new Map([
      [2, ["row 2", "row 2"]],
      [3, ["other"]],
      [4, ["row 4"]],
      [6, ["new"]],
      [8, ["nobody's"]],
    ]);
    expect(
      ledger
        .compare(found)
        .map(({ id }) => id)
        .sort((a, b) => a - b),
    ).toEqual([1, 2, 3, 8]);
    // What was found is what is known from now on.
    expect(
      ledger
        .compare(
          new Map([
            ...found,
            [1, ["row 1"]],
            [2, ["row 2"]],
            [3, ["row 3"]],
            [6, ["row 6"]],
            [8, []],
          ]),
        )
        .map(({ id }) => id),
    ).toEqual([6]);
  },
);

it("choices come from the seed and from nothing else", () => {
  const draw = (seed: number, name: string) => {
    const choices = random(seed, name);
    return [
      choices.int(0, 1e9),
      choices.share(),
      choices.pick([1, 2, 3, 4, 5, 6, 7]),
      choices.shuffled([1, 2, 3, 4, 5, 6]),
    ];
  };
  expect(draw(1, "fault")).toEqual(draw(1, "fault"));
  expect(draw(1, "fault")).not.toEqual(draw(2, "fault"));
  expect(draw(1, "fault")).not.toEqual(draw(1, "writer"));
});
