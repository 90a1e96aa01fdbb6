/**
 * A workload of Kubernetes, by its scale subresource: get and update of that, get of the object,
 * and nothing else.
 */
import type { Deadline } from "../clock.ts";
import type { Count, Workload } from "../workload.ts";
import type { KubernetesApi, Later } from "./api.ts";
import { discover, type ScalableResource } from "./discovery.ts";
import { ApiError } from "./errors.ts";
import { readiness, type WorkloadObject } from "./readiness.ts";
import type { WorkloadName } from "./workload.ts";

interface Scale {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec: { readonly replicas?: number };
  readonly status?: { readonly replicas?: number };
}

export class KubernetesWorkload implements Workload {
  readonly name: string;
  private resource: ScalableResource | undefined;

  constructor(
    private readonly api: KubernetesApi,
    private readonly named: WorkloadName,
  ) {
    this.name = named.text;
  }

  async count(deadline: Deadline): Promise<Count> {
    const { spec, metadata } = await this.readScale(deadline);
    return { replicas: spec.replicas ?? 0, version: metadata.resourceVersion };
  }

  async scale(
    replicas: number,
    version: string,
    attempt: number,
    deadline: Deadline,
  ): Promise<Later | null> {
    const { path, namespace } = await this.found(deadline);
    const scale = {
      apiVersion: "autoscaling/v1",
      kind: "Scale",
      metadata: { name: this.named.name, namespace, resourceVersion: version },
      spec: { replicas },
    };
    try {
      return await this.api.write(`${path}/scale`, scale, attempt, deadline);
    } catch (error) {
      // Its status changes all the time, and with it the version: look again, soon.
      if (error instanceof ApiError && error.status === 409)
        return { seconds: 0.02 + Math.random() * 0.2, why: error.message };
      throw error;
    }
  }

  async ready(deadline: Deadline): Promise<{ wanted: number; ready: number; settled: boolean }> {
    const { path, kind } = await this.found(deadline);
    const { spec, status } = await this.readScale(deadline);
    const object = await this.api.read<WorkloadObject>(path, deadline);
    const wanted = spec.replicas ?? 0;
    const { ready, current, there } = readiness(object, kind, status?.replicas ?? 0);
    return {
      wanted,
      ready,
      settled: current && ready >= wanted && (there === null || there <= wanted),
    };
  }

  private async readScale(deadline: Deadline): Promise<Scale> {
    const { path } = await this.found(deadline);
    try {
      return await this.api.read<Scale>(`${path}/scale`, deadline);
    } catch (error) {
      // It may have moved to another version of its API: it is looked for anew next time.
      if (error instanceof ApiError && error.status === 404) this.resource = undefined;
      throw error;
    }
  }

  private async found(deadline: Deadline): Promise<ScalableResource> {
    return (this.resource ??= await discover(this.api, this.named, deadline));
  }
}
