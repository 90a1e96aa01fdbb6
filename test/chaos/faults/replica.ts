/**
 * The replica is lost: stopped, or killed. What is sensed then is a lagging replica, and it comes
 * back.
 */
import type { Random } from "../random.ts";
import type { World } from "../world.ts";
import type { Fault } from "./fault.ts";

const lost =
  (how: "stop" | "kill9") =>
  async (world: World, choices: Random): Promise<string | null> => {
    const [replica] = world.server.replicas;
    if (!replica) return null;
    await (how === "stop" ? replica.stop("immediate") : replica.kill9());
    await world.whileTicks(choices.int(1, 3), 3);
    await replica.restart();
    return replica.name;
  };

export const replicaStopped: Fault = {
  name: "replica stopped",
  weight: 1,
  explains: {},
  needs: "replica",
  inject: lost("stop"),
};
export const replicaKilled: Fault = {
  name: "replica killed",
  weight: 1,
  explains: {},
  needs: "replica",
  inject: lost("kill9"),
};
