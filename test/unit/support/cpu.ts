/** Of the processor: what else the machine does makes none of the rounds shorter. */
export function leastCpuMs(work: () => unknown, rounds: number): number {
  const all = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...all);
}
