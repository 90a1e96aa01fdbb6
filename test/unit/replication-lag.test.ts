/** Replication lag from what the views show and what earlier looks saw. */
import type {
  ReplicationMemory,
  ReplicationView,
  Sender,
  Slot,
} from "../../src/sense/collect/replication-view.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { observe } from "../../src/sense/collect/replication-lag.ts";

const SETTINGS = { replica_memory_seconds: 3600, scaled_down: null };
const START = 1_700_000_000;
const SEGMENT = 16 * 1024 * 1024;

const VIEW: ReplicationView = {
  now: START,
  booted: START - 86_400,
  timeline: "00000001",
  may_read: true,
  position: 1000,
  senders: [],
  slots: [],
};
const sender = (name: string, replayed: number | null, more: Partial<Sender> = {}): Sender => ({
  application_name: name,
  slot: null,
  written: replayed,
  replayed,
  replay_lag: null,
  ...more,
});
const slot = (name: string, more: Partial<Slot> = {}): Slot => ({
  name,
  type: "physical",
  database: null,
  active: false,
  restart: 500,
  progress: more.restart ?? 500,
  wal_status: "reserved",
  safe_wal_size: null,
  inactive_since: null,
  ...more,
});

/** Looks in turn, each with what the one before left; the measurements of the last. */
function looks(...views: Partial<ReplicationView>[]) {
  let memory: ReplicationMemory | null = null;
  let replicas: ReturnType<typeof observe>["replicas"] = [];
  for (const view of views)
    ({ replicas, memory } = observe({ ...VIEW, ...view }, memory, SETTINGS));
  return { replicas, memory };
}
const only = (replicas: ReturnType<typeof observe>["replicas"]) => {
  expect(replicas).toHaveLength(1);
  return replicas[0]!;
};

describe("a connected replica", () => {
  it("that has replayed everything lags nothing, whatever its last replay_lag was", () => {
    expect(
      only(looks({ senders: [sender("r", 1000, { replay_lag: 300 })] }).replicas),
    ).toMatchObject({ id: "replica:r", kind: "connected", lag_seconds: 0, lag_bytes: 0 });
  });

  it(
    "that stands still falls behind from the moment at which more was written, though " +
      "replay_lag keeps its last value",
    () => {
      const still = [sender("r", 1000, { replay_lag: 0.01 })];
      const { replicas } = looks(
        { senders: still },
        { now: START + 5, position: 1500, senders: still },
        { now: START + 65, position: 9000, senders: still },
      );
      expect(only(replicas)).toMatchObject({ lag_seconds: 60, lag_bytes: 8000 });
    },
  );

  it(
    "that stands still for long lags from the very look that saw more written, whatever was " +
      "looked at since",
    () => {
      const still = [sender("r", 1000)];
      const since = Array.from({ length: 400 }, (_, place) => ({
        now: START + 5 * (place + 1),
        position: 2000 + 100 * place,
        senders: still,
      }));
      const { replicas, memory } = looks({ senders: still }, ...since);
      expect(only(replicas).lag_seconds).toBe(5 * 399);
      expect(memory!.marks.length).toBeLessThan(60);
    },
  );

  it("lags by replay_lag where that is more than what was seen", () => {
    expect(only(looks({ senders: [sender("r", 900, { replay_lag: 42 })] }).replicas)).toMatchObject(
      { lag_seconds: 42, lag_bytes: 100 },
    );
  });

  it("that catches up in part lags from the log it stands at", () => {
    const { replicas } = looks(
      { senders: [sender("r", 1000)] },
      { now: START + 10, position: 2000, senders: [sender("r", 1000)] },
      { now: START + 100, position: 3000, senders: [sender("r", 1000)] },
      { now: START + 110, position: 3000, senders: [sender("r", 2500)] },
    );
    expect(only(replicas)).toMatchObject({ lag_seconds: 10, lag_bytes: 500 });
  });

  it("goes on from where it was while it reconnects", () => {
    const { replicas } = looks(
      { senders: [sender("r", 1000)] },
      { now: START + 5, position: 2000, senders: [sender("r", null)] },
      { now: START + 35, position: 2000, senders: [sender("r", null)] },
    );
    expect(only(replicas)).toMatchObject({ lag_seconds: 30, lag_bytes: 1000 });
  });

  it("is not measured without the right to see positions, and is no other one for it", () => {
    const { replicas, memory } = looks(
      { may_read: false, senders: [sender("r", null)] },
      { may_read: false, now: START + 5 },
    );
    expect(replicas).toEqual([]);
    expect(memory).toBeNull();
    expect(only(looks({ may_read: false, senders: [sender("r", null)] }).replicas)).toMatchObject({
      id: "replica:r",
      lag_seconds: null,
    });
  });

  it("is told from others of its name by a number, from a slot's too", () => {
    const { replicas } = looks({
      senders: [sender("walreceiver", 1000), sender("walreceiver", 900), sender("s", 1000)],
      slots: [slot("s")],
    });
    expect(replicas.map(({ id }) => id)).toEqual([
      "replica:s",
      "replica:s#2",
      "replica:walreceiver",
      "replica:walreceiver#2",
    ]);
  });

  it("is none where a tool receives the log", () => {
    expect(looks({ senders: [sender("backup", null, { written: 900 })] }).replicas).toEqual([]);
    const archiver = looks({
      senders: [sender("arc", null, { written: 900, slot: "arc" })],
      slots: [slot("arc", { active: true })],
    });
    expect(only(archiver.replicas)).toMatchObject({ kind: "receiver", lag_seconds: null });
  });
});

describe("a replica that has gone", () => {
  it("is a dead link from when it was last seen, and forgotten in the end", () => {
    const there = { senders: [sender("r", 1000)] };
    expect(
      only(looks(there, { now: START + 5 }, { now: START + 90, position: 3000 }).replicas),
    ).toMatchObject({ kind: "gone", lag_seconds: 90, lag_bytes: 2000, label: "r (gone)" });
    expect(looks(there, { now: START + 3599 }, { now: START + 3601 }).replicas).toEqual([]);
    expect(
      only(
        looks(there, { now: START + 50 }, { now: START + 60, senders: [sender("r", 1000)] })
          .replicas,
      ),
    ).toMatchObject({ kind: "connected", lag_seconds: 0 });
  });

  it("is missed by number: one of three", () => {
    const three = [sender("pod", 1000), sender("pod", 1000), sender("pod", 1000)];
    const { replicas } = looks({ senders: three }, { now: START + 20, senders: three.slice(1) });
    expect(replicas.map(({ id, kind }) => [id, kind])).toEqual([
      ["replica:pod", "connected"],
      ["replica:pod#2", "connected"],
      ["replica:pod#3", "gone"],
    ]);
  });

  it("is not held against a server that was down itself, nor against one that was promoted", () => {
    const there = { senders: [sender("r", 1000)] };
    expect(only(looks(there, { now: START + 1000, booted: START + 997 }).replicas)).toMatchObject({
      lag_seconds: 3,
    });
    expect(looks(there, { now: START + 10, timeline: "00000002" }).replicas).toEqual([]);
  });

  it("is not missed where fewer were asked for", () => {
    const first = observe({ ...VIEW, senders: [sender("r", 1000)] }, null, SETTINGS);
    const after = (from: number, to: number) =>
      observe({ ...VIEW, now: START + 30 }, first.memory, {
        ...SETTINGS,
        scaled_down: { from, to },
      }).replicas;
    expect(after(START - 2, START + 1)).toEqual([]);
    expect(after(START - 20, START - 15)).toEqual([]);
    // One that goes later, or went before, does so for another reason.
    expect(only(after(START - 200, START - 100))).toMatchObject({ kind: "gone", lag_seconds: 30 });
    expect(only(after(START + 5, START + 10))).toMatchObject({ kind: "gone" });
  });
});

describe("a slot that nobody uses", () => {
  it("is the replica that used it, for as long as the slot is there", () => {
    const used = {
      senders: [sender("app", 1000, { slot: "s" })],
      slots: [slot("s", { active: true })],
    };
    const left = { slots: [slot("s")] };
    expect(
      only(looks(used, { now: START + 5, ...left }, { now: START + 50_000, ...left }).replicas),
    ).toMatchObject({
      id: "replica:s",
      kind: "inactive_slot",
      lag_seconds: 50_000,
      label: "app (not connected)",
    });
    // Whoever drops the slot says that the replica is not to come back.
    expect(looks(used, { now: START + 5, ...left }, { now: START + 10 }).replicas).toEqual([]);
  });

  it("keeps its age over a restart of the server while nothing is read from it", () => {
    const abandoned = (inactive_since: number) => ({ slots: [slot("s", { inactive_since })] });
    expect(
      only(
        looks(abandoned(START - 500), {
          now: START + 100,
          booted: START + 50,
          ...abandoned(START + 50),
        }).replicas,
      ),
    ).toMatchObject({ inactive_seconds: 600, lag_seconds: null });
    const read = {
      slots: [slot("s", { inactive_since: START + 50, restart: 800, progress: 800 })],
    };
    expect(
      only(looks(abandoned(START - 500), { now: START + 100, ...read }).replicas),
    ).toMatchObject({ inactive_seconds: 50 });
  });

  it("is judged by what it keeps against the limit", () => {
    const slots = [slot("s", { restart: SEGMENT, progress: SEGMENT, safe_wal_size: SEGMENT })];
    expect(only(looks({ position: 4 * SEGMENT, slots }).replicas)).toMatchObject({
      retained_bytes: 3 * SEGMENT,
      retained_pct: 75,
      lost: false,
    });
    expect(
      only(looks({ slots: [slot("s", { wal_status: "lost", restart: null })] }).replicas),
    ).toMatchObject({ lost: true, retained_bytes: null });
    const lost = {
      slots: [slot("s", { wal_status: "lost", restart: null, inactive_since: START - 4000 })],
    };
    expect(looks(lost).replicas).toEqual([]);
  });

  it("of a logical consumer counts only beyond max_wal_size, by its own time", () => {
    const logical = (more: Partial<Slot>) =>
      slot("cdc", { type: "logical", database: "app", inactive_since: START - 7200, ...more });
    expect(looks({ slots: [logical({})] }).replicas).toEqual([]);
    expect(only(looks({ slots: [logical({ wal_status: "extended" })] }).replicas)).toMatchObject({
      id: "slot:cdc",
      kind: "logical_slot",
      lag_seconds: null,
      inactive_seconds: 7200,
    });
    expect(looks({ slots: [logical({ wal_status: "extended", active: true })] }).replicas).toEqual(
      [],
    );
  });

  it("that has never kept anything is nothing", () => {
    expect(
      looks({ slots: [slot("s", { restart: null, progress: null, wal_status: null })] }).replicas,
    ).toEqual([]);
  });
});

describe("how a standby replays what it has received", () => {
  /**
   * A look every 5 s at a log that grows by 1,000 bytes a second; the standby has `written` of it
   * and has replayed what it had `behind` seconds ago.
   */
  const followed = (
    behind: (second: number) => number,
    written = (position: number) => position,
  ): Partial<ReplicationView>[] =>
    Array.from({ length: 40 }, (_, look) => {
      const second = look * 5;
      const position = 1_000_000 + second * 1000;
      const replayed = 1_000_000 + Math.floor((second - behind(second)) * 1000);
      return {
        now: START + second,
        position,
        senders: [
          sender("r", replayed, { written: written(position), replay_lag: behind(second) }),
        ],
      };
    });
  const replay = (views: Partial<ReplicationView>[]) => only(looks(...views).replicas).replay;

  it("stands where it replays nothing, however little is on its way", () => {
    expect(replay(followed((second) => 100 + second))).toBe("stands");
    expect(
      replay(
        followed(
          (second) => 100 + second,
          (position) => position - 5000,
        ),
      ),
    ).toBe("stands");
  });

  it(
    "keeps pace at a distance that does not grow, or shrinks, with a load that is not quite " +
      "even",
    () => {
      expect(replay(followed(() => 3600))).toBe("keeps_pace");
      expect(replay(followed((second) => 3600 + 40 * Math.sin(second)))).toBe("keeps_pace");
      expect(replay(followed((second) => 500 - second))).toBe("keeps_pace");
    },
  );

  it("falls behind where the distance grows while it replays", () => {
    expect(replay(followed((second) => 20 + second / 2))).toBe("falls_behind");
  });

  it(
    "is not told while the log is on its way, before it was looked at for a minute, and once " +
      "all is replayed",
    () => {
      expect(
        replay(
          followed(
            () => 3600,
            (position) => position - 3_000_000,
          ),
        ),
      ).toBeNull();
      expect(replay(followed(() => 3600).slice(0, 10))).toBeNull();
      expect(replay(followed(() => 0))).toBeNull();
    },
  );

  it("is remembered in few words", () => {
    const { memory } = looks(...followed(() => 3600));
    expect(memory!.replicas["replica:r"]!.lags!.length).toBeLessThan(8);
  });
});

describe("what is remembered", () => {
  it("is nothing where there is nothing, and nothing on a standby", () => {
    expect(looks({}).memory).toBeNull();
    expect(looks({ timeline: null, senders: [sender("r", 900)] }).memory).toBeNull();
  });

  it("takes names for names", () => {
    const { replicas } = looks(
      { senders: [sender("__proto__", 1000), sender("constructor", 900)] },
      { now: START + 5 },
    );
    expect(replicas.map(({ id, kind }) => [id, kind])).toEqual([
      ["replica:__proto__", "gone"],
      ["replica:constructor", "gone"],
    ]);
  });

  it("survives clocks and logs that go back", () => {
    const { replicas } = looks(
      { senders: [sender("r", 900)] },
      { now: START - 500, position: 950, senders: [sender("r", 900)] },
    );
    expect(only(replicas)).toMatchObject({ lag_seconds: 0, lag_bytes: 50 });
  });

  it("stays small, and never tells more than the true lag, nor a tenth of it less", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            pause: fc.integer({ min: 1, max: 60 }),
            wrote: fc.nat(5000),
            share: fc.double({ min: 0, max: 1, noNaN: true }),
          }),
          { minLength: 1, maxLength: 200 },
        ),
        (steps) => {
          let memory: ReplicationMemory | null = null;
          let [now, position, replayed] = [START, 1000, 1000];
          /** When the log was written, byte ranges by their end. */
          const written: (readonly [number, number])[] = [[START, 1000]];
          for (const { pause, wrote, share } of steps) {
            now += pause;
            position += wrote;
            written.push([now, position]);
            replayed += Math.floor((position - replayed) * (share < 0.7 ? 0 : share));
            const look = observe(
              { ...VIEW, now, position, senders: [sender("r", replayed)] },
              memory,
              SETTINGS,
            );
            memory = look.memory;
            const truth = now - (written.find(([, end]) => end > replayed)?.[0] ?? now);
            const read = look.replicas[0]!.lag_seconds!;
            expect(read).toBeLessThanOrEqual(truth);
            expect(read).toBeGreaterThanOrEqual(truth * 0.9 - 60);
            expect(memory!.marks.length).toBeLessThan(120);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
