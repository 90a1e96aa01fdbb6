/** kubectl: the one that is there, or Debian's where this may install packages. */
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";

const works = (): boolean =>
  spawnSync("kubectl", ["version", "--client", "--output=json"], { stdio: "ignore" }).status === 0;

/** null: there is none, and why. */
export function whyNoKubectl(): string | null {
  if (works()) return null;
  if (
    process.getuid?.() !== 0 ||
    spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status !== 0
  )
    return "kubectl is not installed, and only root on Debian could";
  const install = (): number | null =>
    spawnSync("apt-get", ["install", "-y", "--no-install-recommends", "kubernetes-client"], {
      stdio: "ignore",
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    }).status;
  if (install() !== 0) {
    spawnSync("apt-get", ["update"], { stdio: "ignore" });
    install();
  }
  return works() ? null : "kubectl is not installed, and apt-get install kubernetes-client failed";
}

/** Its output; rejects with what it wrote to standard error. */
export const kubectl = (kubeconfig: string, ...words: string[]): Promise<string> =>
  promisify(execFile)("kubectl", words, {
    env: { ...process.env, KUBECONFIG: kubeconfig, HOME: "/nonexistent" },
  }).then(({ stdout }) => stdout);
