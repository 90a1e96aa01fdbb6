/** What the command line of the actuator says. */
import type { Listen } from "./http.ts";
import type { WorkloadName } from "./kubernetes/workload.ts";

export interface ActuatorFlags {
  readonly name: string;
  readonly workload: readonly WorkloadName[];
  readonly maxReplicas: number;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly listen: Listen;
  readonly reportEvery: number;
  readonly pollEvery: number;
  readonly webhooks?: string;
  readonly auditKey?: string;
  readonly auditState?: string;
  readonly logFormat: "text" | "json";
}
