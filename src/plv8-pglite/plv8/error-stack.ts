/** PostgreSQL's error stack: what lies there, and what goes there. */
import { type ErrorReport, packSqlState, unpackSqlState } from "./error-report.ts";
import { DIAGNOSTIC, ERROR_DATA, LEVELS } from "./layout.ts";
import type { Memory } from "./memory.ts";
import type { Symbols } from "./symbols.ts";

/** Takes the newest error off the stack, as PG_CATCH does. */
export function fetchReport({ functions }: Symbols, memory: Memory): ErrorReport {
  const data = functions.CopyErrorData();
  functions.FlushErrorState();
  const text = (offset: number): string | null => memory.cString(memory.u32(data + offset));
  const report: ErrorReport = {
    message: text(ERROR_DATA.message) ?? "",
    sqlState: unpackSqlState(memory.i32(data + ERROR_DATA.sqlState)),
    detail: text(ERROR_DATA.detail),
    hint: text(ERROR_DATA.hint),
    context: text(ERROR_DATA.context),
    schema: text(ERROR_DATA.schema),
    table: text(ERROR_DATA.table),
    column: text(ERROR_DATA.column),
    dataType: text(ERROR_DATA.dataType),
    constraint: text(ERROR_DATA.constraint),
    internalQuery: text(ERROR_DATA.internalQuery),
  };
  functions.FreeErrorData(data);
  return report;
}

/** As ereport does: does not return where the level is ERROR. */
export function sendReport(
  { functions }: Symbols,
  memory: Memory,
  level: number,
  report: ErrorReport,
): void {
  if (functions.errstart(level, 0) === 0) return;
  const format = memory.newCString("%s");
  // Variable arguments are passed as the address of their block.
  const only = (text: string): number => {
    const block = memory.allocate(4);
    memory.setU32(block, memory.newCString(text));
    return block;
  };
  if (level >= LEVELS.ERROR) functions.errcode(packSqlState(report.sqlState));
  functions.errmsg_internal(format, only(report.message));
  if (report.detail) functions.errdetail_internal(format, only(report.detail));
  if (report.hint) functions.errhint(format, only(report.hint));
  if (report.context) functions.errcontext_msg(format, only(report.context));
  for (const [field, letter] of Object.entries(DIAGNOSTIC) as [keyof typeof DIAGNOSTIC, string][]) {
    const value = report[field];
    if (value) functions.err_generic_string(letter.charCodeAt(0), memory.newCString(value));
  }
  functions.errfinish(memory.newCString("plv8"), 0, memory.newCString("plv8"));
}
