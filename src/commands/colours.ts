/**
 * Colours on a terminal, as NO_COLOR and FORCE_COLOR have it. picocolors alone takes CI in the
 * environment for one: what is piped is read by scripts.
 */
import picocolors from "picocolors";

const { env, stdout } = process;
export default picocolors.createColors(
  picocolors.isColorSupported && (stdout.isTTY === true || (env["FORCE_COLOR"] ?? "") !== ""),
);
