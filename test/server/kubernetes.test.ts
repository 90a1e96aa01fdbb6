/**
 * Scaling by the Kubernetes API, against a server that speaks it and does what networks and other
 * people do.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { carryOut, GivenUp, type Outcome } from "../../src/commands/actuator/carry-out.ts";
import { Deadline, monotonic } from "../../src/commands/actuator/clock.ts";
import { KubernetesApi, loadConfig } from "../../src/commands/actuator/kubernetes/api.ts";
import { retryAfter } from "../../src/commands/actuator/kubernetes/exchange.ts";
import { KubernetesWorkload } from "../../src/commands/actuator/kubernetes/scale.ts";
import { parseWorkload } from "../../src/commands/actuator/kubernetes/workload.ts";
import { KubernetesApi as Server } from "../support/kubernetes/api-server.ts";
import { CLUSTER, OTHER_CLUSTER } from "../support/kubernetes/resources.ts";
import { pattern } from "../support/pattern.ts";

let server: Server;
let api: KubernetesApi;
let kubeconfig: string;
let workload: KubernetesWorkload;

const named = (text: string, through = api) =>
  new KubernetesWorkload(through, parseWorkload(text)!);

interface Wish {
  readonly of?: KubernetesWorkload;
  readonly replicas?: number;
  readonly previous?: number;
  readonly seconds?: number;
  readonly max?: number;
  readonly signal?: AbortSignal;
  /** Between the count's being read and its being set. */
  readonly claim?: () => Promise<void> | void;
}

const scale = ({
  of = workload,
  replicas = 3,
  previous = 2,
  seconds = 20,
  max = 10,
  signal,
  claim,
}: Wish = {}): Promise<Outcome> =>
  carryOut({
    workload: of,
    wanted: { replicas, previous },
    maxReplicas: max,
    deadline: new Deadline(seconds, signal),
    lookEvery: 0.05,
    scaled: () => undefined,
    claim: async () => {
      const asked = monotonic();
      await claim?.();
      return asked;
    },
  });

/** What was set, by requests that were carried out. */
const puts = () =>
  server.log
    .filter(({ verb, status }) => verb === "update" && status === 200)
    .map(({ body }) => (body as { spec: { replicas: number } }).spec.replicas);
const tried = () => server.log.filter(({ verb }) => verb === "update").length;
const READ = "deployments";

beforeAll(async () => {
  server = await Server.start();
  kubeconfig = await server.kubeconfig();
  api = new KubernetesApi(loadConfig({ kubeconfig }), undefined, 1);
  server.workload(READ, "read", 2);
  server.workload("statefulsets", "db", 3);
  server.workload("clusters", "pg", 3);
});
afterAll(() => server.close());

/**
 * At two replicas, and nothing changes any more: no status that comes in between makes a conflict.
 */
async function settledAtTwo(): Promise<void> {
  server.setReplicas(READ, "read", 2);
  const generation = () =>
    server.store.get(server.kind(READ), "default", "read").metadata.generation;
  await expect
    .poll(() => server.store.get(server.kind(READ), "default", "read")["status"])
    .toMatchObject({ replicas: 2, readyReplicas: 2, observedGeneration: generation() });
}

beforeEach(async () => {
  await server.back();
  server.faults.clear();
  server.pace.readyAtMost = Infinity;
  await settledAtTwo();
  server.log.length = 0;
  workload = named("deployment/default/read");
});

describe("a workload's kind", () => {
  it.each([
    "deployment",
    "deployments",
    "deploy",
    "Deployment",
    "deployment.apps",
    "deployments.v1.apps",
  ])("%s is a Deployment", async (kind) => {
    expect(await named(`${kind}/default/read`).count(new Deadline(5))).toMatchObject({
      replicas: 2,
    });
  });

  it("is any that has a scale subresource, in any namespace", async () => {
    expect(await named("sts/default/db").count(new Deadline(5))).toMatchObject({ replicas: 3 });
    expect(
      await named("cluster.postgresql.cnpg.io/default/pg").count(new Deadline(5)),
    ).toMatchObject({ replicas: 3 });
    // Without a group it is looked for in all of them, without a namespace in that of the
    // credentials.
    expect(await named("cluster/pg").count(new Deadline(5))).toMatchObject({ replicas: 3 });
  });

  it("is said to be wrong, with what would be right", async () => {
    await expect(named("cronjob/default/x").count(new Deadline(5))).rejects.toThrow(
      `knows no kind "cronjob"`,
    );
    await expect(named("cluster.example.com/default/x").count(new Deadline(5))).rejects.toThrow(
      `knows no kind "cluster.example.com"`,
    );
    await expect(named("secret/default/x").count(new Deadline(5))).rejects.toThrow(
      "Secret (v1) has no scale subresource",
    );
    server.resources.push(OTHER_CLUSTER);
    await expect(named("cluster/default/pg").count(new Deadline(5))).rejects.toThrow(
      `may be cluster.postgresql.cnpg.io or cluster.example.org: say which`,
    );
    server.resources.pop();
    for (const text of [
      "read",
      "deployment//read",
      "deployment/default/",
      "deployment/Default/read",
      "deployment/default/read/more",
      "de ployment/a/b",
      "deployment./a/b",
      `deployment/default/${"x".repeat(250)}`,
      "../../x",
    ]) {
      expect(parseWorkload(text), text).toBeNull();
    }
  });
});

describe("scaling", () => {
  it("sets the count once and waits until all are ready, one after the other", async () => {
    server.pace.warmUp = 20;
    expect(await scale()).toEqual({ ok: true, answer: { replicas: 3, ready: 3 } });
    server.pace.warmUp = 1;
    expect(puts()).toEqual([3]);
    expect(
      server.log.filter(({ verb, resource }) => verb === "get" && resource === READ).length,
    ).toBeGreaterThan(1);
    // Again, as after a crash between scaling and answering: nothing is set.
    expect(await scale()).toEqual({ ok: true, answer: { replicas: 3, ready: 3 } });
    expect(puts()).toEqual([3]);
    expect(await scale({ replicas: 2, previous: 3 })).toEqual({
      ok: true,
      answer: { replicas: 2, ready: 2 },
    });
    expect(puts()).toEqual([3, 2]);
  });

  it("knows a StatefulSet's and a CloudNativePG Cluster's replicas", async () => {
    expect(await scale({ of: named("statefulset/default/db"), replicas: 5, previous: 3 })).toEqual({
      ok: true,
      answer: { replicas: 5, ready: 5 },
    });
    expect(
      await scale({ of: named("cluster.postgresql.cnpg.io/default/pg"), replicas: 5, previous: 3 }),
    ).toEqual({ ok: true, answer: { replicas: 5, ready: 5 } });
    expect(server.store.get(CLUSTER, "default", "pg")).toMatchObject({
      spec: { instances: 5 },
      status: { readyInstances: 5 },
    });
  });

  it("says how many are ready when not all are in time", async () => {
    server.pace.readyAtMost = 2;
    expect(await scale({ seconds: 1.5 })).toEqual({
      ok: false,
      answer: { error: "only 2 of 3 replicas were ready in time", replicas: 3, ready: 2 },
    });
  });

  it("asks for no more than it may, and never for none", async () => {
    expect(await scale({ replicas: 12, max: 10 })).toEqual({
      ok: false,
      answer: { error: "12 replicas is more than this actuator's --max-replicas 10", replicas: 2 },
    });
    expect(await scale({ replicas: 0 })).toMatchObject({
      ok: false,
      answer: { error: "nothing is ever scaled to 0" },
    });
    expect(puts()).toEqual([]);
  });

  it("stops when it is told to, before and after it scaled", async () => {
    const before = new AbortController();
    await expect(
      scale({ signal: before.signal, claim: () => before.abort(new GivenUp("stop", true)) }),
    ).rejects.toThrow("stop");
    expect(puts()).toEqual([]);
    server.pace.readyAtMost = 2;
    const after = new AbortController();
    setTimeout(() => after.abort(new GivenUp("stop", true)), 700);
    await expect(scale({ signal: after.signal })).rejects.toThrow("stop");
  });
});

describe("somebody else", () => {
  it("who changes the workload makes it look again; who scales it is left alone", async () => {
    let times = 0;
    const label = () =>
      void server.store.update(server.kind(READ), "default", "read", ({ metadata }) => {
        metadata.labels = { touched: String(++times) };
      });
    // Every look is overtaken, three times over.
    expect(
      await scale({
        claim: () => {
          if (times < 3) label();
        },
      }),
    ).toMatchObject({ ok: true });
    expect(
      server.log.filter(({ verb, status }) => verb === "update" && status === 409),
    ).toHaveLength(3);
    expect(puts()).toEqual([3]);

    server.setReplicas(READ, "read", 2);
    server.log.length = 0;
    expect(await scale({ claim: () => server.setReplicas(READ, "read", 7) })).toEqual({
      ok: false,
      answer: {
        error:
          "it has 7 replicas, neither 2 nor 3: somebody else scaled it, and that is left alone",
        replicas: 7,
        left_alone: true,
      },
    });
    expect(puts()).toEqual([]);
    expect(server.replicas(READ, "read")).toBe(7);
  });

  it("who scales while it waits is left alone; the old count set back is a failure", async () => {
    server.pace.readyAtMost = 2;
    setTimeout(() => server.setReplicas(READ, "read", 5), 800);
    expect(await scale()).toMatchObject({ ok: false, answer: { replicas: 5, left_alone: true } });
    server.setReplicas(READ, "read", 2);
    setTimeout(() => server.setReplicas(READ, "read", 2), 800);
    expect(await scale()).toEqual({
      ok: false,
      answer: { error: "somebody, or an autoscaler, set it back to 2 replicas", replicas: 2 },
    });
  });
});

describe("what the API refuses", () => {
  it("is told in its own words: 403, 404, 422", async () => {
    const powerless = named(
      "deployment/default/read",
      new KubernetesApi(
        loadConfig({
          kubeconfig: await server.kubeconfig(server.serviceAccount("default", "nobody"), "nobody"),
        }),
      ),
    );
    await expect(scale({ of: powerless })).rejects.toThrow(
      pattern(
        /^Kubernetes answered 403 Forbidden: deployments\.apps "read" is forbidden: /,
        /User "system:serviceaccount:default:nobody" cannot get resource /,
        /"deployments\/scale".*docs\/actuator\.md has the Role/,
      ),
    );
    await expect(scale({ of: named("deployment/default/gone") })).rejects.toThrow(
      `Kubernetes answered 404 NotFound: deployments.apps "gone" not found`,
    );
    server.faults.next(
      { kind: "status", code: 422, reason: "Invalid", message: "quota" },
      { verb: "update" },
    );
    await expect(scale()).rejects.toThrow("Kubernetes answered 422 Invalid: quota");
    expect(tried()).toBe(1);
  });

  it("for the credentials is tried four times: a token may just have been rotated", async () => {
    server.faults.next({ kind: "status", code: 401, reason: "Unauthorized" }, { verb: "get" }, 2);
    expect(await scale()).toMatchObject({ ok: true });
    server.faults.next({ kind: "status", code: 401, reason: "Unauthorized" }, {}, 100);
    await expect(named("deployment/default/read").count(new Deadline(20))).rejects.toThrow(
      "does not take the actuator's credentials",
    );
    expect(server.faults.left).toBe(96);
  });

  it("in one group of many does not keep a kind of another from being found", async () => {
    server.resources.push(OTHER_CLUSTER);
    server.faults.next(
      { kind: "status", code: 503, reason: "ServiceUnavailable" },
      { path: "/apis/example.org/v1beta1" },
      100,
    );
    expect(await named("cluster/default/pg").count(new Deadline(20))).toMatchObject({
      version: expect.any(String),
    });
    server.resources.pop();
  });

  it("for its load's sake is asked again when it said, and not when that is too late", async () => {
    server.faults.next(
      { kind: "status", code: 429, reason: "TooManyRequests", retryAfter: "1" },
      { verb: "update" },
    );
    const began = monotonic();
    expect(await scale()).toMatchObject({ ok: true });
    expect(monotonic() - began).toBeGreaterThan(1);
    expect(tried()).toBe(2);
    server.setReplicas(READ, "read", 2);
    server.faults.next(
      { kind: "status", code: 429, reason: "TooManyRequests", retryAfter: "60" },
      { verb: "update" },
    );
    expect(await scale({ seconds: 5 })).toMatchObject({
      ok: false,
      answer: { error: expect.stringMatching(/no time is left to try again.*429/) },
    });
    expect(retryAfter("7")).toBe(7);
    expect(retryAfter(undefined)).toBeNull();
    expect(retryAfter("soon")).toBeNull();
    expect(
      retryAfter("Wed, 21 Oct 2026 07:28:30 GMT", Date.parse("Wed, 21 Oct 2026 07:28:00 GMT")),
    ).toBe(30);
  });

  it.each([500, 502, 503, 504])("with %i is tried again", async (code) => {
    server.faults.next({ kind: "status", code, reason: "ServerError" }, { verb: "get" }, 2);
    server.faults.next({ kind: "status", code, reason: "ServerError" }, { verb: "update" }, 2);
    expect(await scale()).toMatchObject({ ok: true });
    expect(puts()).toEqual([3]);
  });
});

describe("the connection", () => {
  it("that is cut before the count was set, or after, leads to the count set once", async () => {
    server.faults.next({ kind: "drop", when: "before" }, { verb: "update" }, 2);
    expect(await scale()).toMatchObject({ ok: true });
    expect(puts()).toEqual([3]);
    await settledAtTwo();
    server.log.length = 0;
    server.faults.next({ kind: "drop", when: "after" }, { verb: "update" });
    expect(await scale()).toMatchObject({ ok: true });
    expect(puts()).toEqual([3]);
    expect(tried()).toBe(1);
  });

  it("that ends in the middle of an answer, or gives none, is another try", async () => {
    server.faults.next({ kind: "torn" }, { verb: "get" }, 2);
    server.faults.next({ kind: "slow", milliseconds: 3000 }, { verb: "get" });
    server.faults.next({ kind: "slow", milliseconds: 300 }, { verb: "update" });
    expect(await scale()).toMatchObject({ ok: true });
    expect(puts()).toEqual([3]);
  });

  it("that is away for a while is waited for, until the deadline", async () => {
    await server.away();
    setTimeout(() => void server.back(), 1500);
    expect(await scale()).toMatchObject({ ok: true });
    server.setReplicas(READ, "read", 2);
    await server.away();
    await expect(scale({ seconds: 1 })).rejects.toThrow(
      pattern(
        /no time is left to try again: https:\/\/127\.0\.0\.1:\d+ is not to be reached: /,
        /connect ECONNREFUSED/,
      ),
    );
  });

  it("to somebody with another certificate is none", async () => {
    const other = await Server.start();
    const file = await other.kubeconfig();
    const { readFile, writeFile } = await import("node:fs/promises");
    await writeFile(file, (await readFile(file, "utf8")).replace(other.url, server.url));
    await expect(
      named("deployment/default/read", new KubernetesApi(loadConfig({ kubeconfig: file }))).count(
        new Deadline(1),
      ),
    ).rejects.toThrow(/self-signed certificate|certificate/);
    await other.close();
  });
});

describe("credentials", () => {
  it("of a pod are its service account's: address, certificate, token and namespace", async () => {
    const { mkdir, mkdtemp, copyFile, rm, writeFile } = await import("node:fs/promises");
    const files = await mkdtemp(join(tmpdir(), "ruvector-healing-pod-"));
    const folder = join(files, "var/run/secrets/kubernetes.io/serviceaccount");
    await mkdir(folder, { recursive: true });
    await copyFile(server.caFile, join(folder, "ca.crt"));
    await writeFile(join(folder, "token"), "admin");
    await writeFile(join(folder, "namespace"), "default");
    const { hostname, port } = new URL(server.url);
    const environment = {
      HOME: files,
      KUBECONFIG: "",
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
    };
    const before = { ...process.env };
    Object.assign(process.env, environment);
    try {
      const mine = new KubernetesApi(loadConfig({}, process.env, files));
      expect(mine.namespace).toBe("default");
      expect(await named("deployment/read", mine).count(new Deadline(5))).toMatchObject({
        replicas: 2,
      });
      await rm(join(folder, "token"));
      expect(() => loadConfig({}, process.env, files)).toThrow(
        "neither --kubeconfig, nor KUBECONFIG, nor ~/.kube/config, nor a pod's service account",
      );
    } finally {
      process.env = before;
      await rm(files, { recursive: true });
    }
  });

  it("are those of the flag, of a context of it, or none: said", async () => {
    expect(loadConfig({ kubeconfig }).getCurrentCluster()?.server).toBe(server.url);
    expect(() => loadConfig({ kubeconfig, context: "nope" })).toThrow(
      `the kubeconfig has no context "nope"; it has test`,
    );
    expect(() => loadConfig({ kubeconfig: "/does/not/exist" })).toThrow("cannot be read");
  });
});
