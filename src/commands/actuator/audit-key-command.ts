import type { Command } from "commander";

/** `ruvector-healing audit-key`. */
export function auditKeyCommand(program: Command): void {
  program
    .command("audit-key")
    .description(
      "Makes a key for signing the audit trail outside the database, and prints what registers it.",
    )
    .argument(
      "<file>",
      "where the private key is written, readable by you only; the actuator takes it as " +
        "--audit-key",
    )
    .action(async (file: string) => {
      const { makeAuditKey } = await import("./audit-key.ts");
      const { id, publicPem } = makeAuditKey(file);
      process.stderr.write(
        `The private key is in ${file}. Key ${id}; an administrator registers its public ` +
          `part with:\n`,
      );
      process.stdout.write(`SELECT ruvector_healing_audit_rotate_key('${publicPem.trim()}');\n`);
    });
}
