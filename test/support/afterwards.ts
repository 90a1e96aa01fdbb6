/**
 * What is to be done when the tests of a file are over. Vitest never calls a hook that is made
 * while another one of a describe block runs (seen: servers that outlived their tests), so the one
 * hook is made here, while the file is collected.
 */
import { afterAll } from "vitest";

const work: (() => unknown)[] = [];

export const afterwards = (one: () => unknown): void => void work.push(one);

// The last first. Stopping a server with replicas takes half a minute on a busy machine.
afterAll(async () => {
  for (const one of work.splice(0).reverse()) await one();
});
