/** Who answers which address of the actuator's HTTP server, in order. */
import type { Handler } from "./http.ts";
import { health, type HealthState } from "./health.ts";
import type { Reader } from "./reader.ts";

export interface Serves {
  /** For everything that is read from the database. */
  readonly reader: Reader;
  readonly health: () => HealthState;
}

export const handlers = (serves: Serves): readonly Handler[] => [
  health(serves.health),
  // The status page (src/cli/page/) takes "/" and "/api/..." here: page(serves.reader),
];
