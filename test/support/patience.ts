/**
 * How long a test waits for what is to come. It ends when that comes, so a long end costs nothing:
 * of ten failures of whole runs on busy machines seven were waits of 5 to 40 s that ended too
 * early.
 */
export const PATIENCE_MS = 150_000;

/** The instant at which a wait ends; tests that need longer still say how many seconds. */
export const waitEnds = (seconds = 0): number => Date.now() + Math.max(PATIENCE_MS, seconds * 1000);
