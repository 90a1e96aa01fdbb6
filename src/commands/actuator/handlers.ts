/** Who answers which address of the actuator's HTTP server, in order. */
import { health, type HealthState } from "./health.ts";
import type { Handler } from "./http.ts";
import { page } from "../page/handler.ts";
import { metrics } from "./metrics.ts";
import type { Reader } from "./reader.ts";

export interface Serves {
  /** For everything that is read from the database. */
  readonly reader: Reader;
  readonly health: () => HealthState;
  readonly ownMetrics: () => Promise<string>;
  readonly failed: (error: unknown) => void;
}

export const handlers = ({
  reader,
  health: state,
  ownMetrics,
  failed,
}: Serves): readonly Handler[] => [
  health(state),
  metrics(reader, ownMetrics, failed),
  page(reader),
];
