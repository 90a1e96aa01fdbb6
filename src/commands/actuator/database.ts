/** What the actuator says to the database, and is told by it. */
import { type Deadline, monotonic } from "./clock.ts";
import type { Outcome } from "./carry-out.ts";
import { type Link, NotConnected } from "./link.ts";
import type { Log } from "./log.ts";
import type { ReportAnswer, Request } from "./request.ts";
import { hintOf, messageOf } from "./said.ts";

export class Database {
  /** When it was last spoken to, by the monotonic clock. */
  spokenAt: number | null = null;
  link!: Link;

  constructor(
    /** What it knows this process by. */
    private readonly name: string,
    private readonly maxReplicas: number,
    private readonly log: Log,
  ) {}

  async tell(workload: string, replicas: number, more: object = {}): Promise<ReportAnswer> {
    const answer = await this.link.value<ReportAnswer>(
      "SELECT ruvector.ruvector_healing_actuator_report($1, $2)",
      [this.name, JSON.stringify({ workload, replicas, max_replicas: this.maxReplicas, ...more })],
    );
    this.spokenAt = monotonic();
    return answer;
  }

  /** The next request; null: there is none. */
  async take(): Promise<Request | null> {
    const request = await this.link.value<Request | null>(
      "SELECT ruvector.ruvector_healing_actuation_take($1)",
      [this.name],
    );
    this.spokenAt = monotonic();
    return request;
  }

  /** false: the database takes no answer any more. */
  async answer(id: number, { ok, answer }: Outcome, until: Deadline): Promise<boolean> {
    for (;;) {
      try {
        await this.link.value("SELECT ruvector.ruvector_healing_actuation_answer($1, $2, $3)", [
          id,
          ok,
          JSON.stringify({ ...answer, actuator: this.name }),
        ]);
        return true;
      } catch (error) {
        if (!(error instanceof NotConnected)) {
          this.log("warning", `the answer was refused: ${messageOf(error)}`, {
            request: id,
            ...hintOf(error),
          });
          return false;
        }
        if (until.passed) return false;
        await until.wait(0.5);
      }
    }
  }
}
