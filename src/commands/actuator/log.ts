/** Lines for people, or one JSON object a line for collectors. */
export type Level = "info" | "warning" | "error";

export interface Log {
  (level: Level, message: string, details?: Readonly<Record<string, unknown>>): void;
}

export function logTo(write: (line: string) => void, asJson: boolean): Log {
  return (level, message, details = {}) => {
    const at = new Date().toISOString();
    if (asJson) return write(JSON.stringify({ at, level, message, ...details }));
    const more = Object.entries(details)
      .map(([key, value]) => {
        const plain = typeof value === "string" && /^[^\s"]+$/.test(value);
        return ` ${key}=${plain ? value : JSON.stringify(value)}`;
      })
      .join("");
    write(`${at} ${level.padEnd(7)} ${message}${more}`);
  };
}
