/**
 * kubectl itself works with the test API server; so what the actuator is tested against is what
 * clients take for Kubernetes.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../build/project.ts";
import { KubernetesApi } from "../support/kubernetes/api-server.ts";
import { kubectl, whyNoKubectl } from "../support/kubernetes/kubectl.ts";

const why = whyNoKubectl();
if (why !== null) console.warn(`SKIPPED: the tests with kubectl: ${why}`);

// Each call of kubectl is a process that takes seconds to start on a busy machine.
describe.skipIf(why !== null)("kubectl", () => {
  let api: KubernetesApi;
  let kubeconfig: string;
  const run = (...words: string[]) => kubectl(kubeconfig, ...words);

  beforeAll(async () => {
    api = await KubernetesApi.start();
    kubeconfig = await api.kubeconfig();
    api.workload("deployments", "ruvector-read", 2);
    api.workload("statefulsets", "db", 3);
    api.workload("clusters", "pg", 3);
  });
  afterAll(() => api?.close());

  it("finds the kinds and prints them as tables", async () => {
    expect(await run("get", "deployments")).toMatch(
      /^NAME +READY +AVAILABLE +AGE\nruvector-read +2\/2 +2 +\d+s\n$/,
    );
    expect(await run("get", "deploy,sts,cluster", "-o", "name")).toBe(
      "deployment.apps/ruvector-read\nstatefulset.apps/db\ncluster.postgresql.cnpg.io/pg\n",
    );
    expect(await run("get", "deployment", "ruvector-read", "-o", "jsonpath={.spec.replicas}")).toBe(
      "2",
    );
    expect(await run("api-resources", "--api-group=postgresql.cnpg.io", "--no-headers")).toMatch(
      /clusters +postgresql\.cnpg\.io\/v1 +true +Cluster/,
    );
  });

  it("scales a Deployment, a StatefulSet and a Cluster, and waits for the rollout", async () => {
    expect(await run("scale", "deployment", "ruvector-read", "--replicas=4")).toContain("scaled");
    expect(await run("rollout", "status", "deployment/ruvector-read", "--timeout=60s")).toContain(
      "successfully rolled out",
    );
    expect(api.replicas("deployments", "ruvector-read")).toBe(4);
    await run("scale", "cluster/pg", "--replicas=5");
    await run("scale", "sts/db", "--current-replicas=3", "--replicas=4");
    expect([api.replicas("clusters", "pg"), api.replicas("statefulsets", "db")]).toEqual([5, 4]);
    await expect(
      run("scale", "sts/db", "--current-replicas=3", "--replicas=9"),
    ).rejects.toMatchObject({
      stderr: expect.stringContaining("Expected replicas to be 3, was 4"),
    });
    await expect(run("get", "deployment", "gone")).rejects.toMatchObject({
      stderr: expect.stringContaining('deployments.apps "gone" not found'),
    });
  });

  it("watches what somebody else does", async () => {
    const child = spawn("kubectl", ["get", "statefulset", "db", "-w", "--no-headers"], {
      env: { ...process.env, KUBECONFIG: kubeconfig, HOME: "/nonexistent" },
    });
    let seen = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      seen += text;
    });
    try {
      await expect.poll(() => seen).toMatch(/^db +4\/4/m);
      api.setReplicas("statefulsets", "db", 6);
      await expect.poll(() => seen).toMatch(/^db +4\/6[^]*^db +5\/6[^]*^db +6\/6/m);
    } finally {
      child.kill();
    }
  });

  it("takes the manifests of docs/kubernetes", async () => {
    for (const file of ["rbac.yaml", "actuator.yaml"]) {
      expect(
        await run("apply", "-f", join(root, "docs/kubernetes", file), "--validate=false"),
      ).toMatch(/ruvector-healing-actuator created/);
    }
    expect(
      await run("get", "role,rolebinding,serviceaccount,secret,service,deployment", "-o", "name"),
    ).toContain("role.rbac.authorization.k8s.io/ruvector-healing-actuator");
  });

  it("is refused what a Role does not grant", async () => {
    const mine = await api.kubeconfig(
      api.serviceAccount("default", "ruvector-healing-actuator"),
      "mine",
    );
    expect(
      await kubectl(mine, "get", "deployment", "ruvector-read", "-o", "jsonpath={.spec.replicas}"),
    ).toBe("4");
    await expect(kubectl(mine, "get", "deployments")).rejects.toMatchObject({
      stderr: expect.stringContaining(
        'cannot list resource "deployments" in API group "apps" in the namespace "default"',
      ),
    });
    await expect(kubectl(mine, "delete", "deployment", "ruvector-read")).rejects.toMatchObject({
      stderr: expect.stringContaining("cannot delete"),
    });
  });
});
