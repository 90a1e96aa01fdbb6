/**
 * How long a test waits for what is to come. It ends when that comes, so a long end costs nothing:
 * of ten failures of whole runs on busy machines seven were waits of 5 to 40 s that ended too
 * early.
 */
export const PATIENCE_MS = 150_000;

/**
 * The instant at which a wait ends.
 * @param seconds where more than usual is wanted, or something is not to come
 */
export const waitEnds = (seconds = PATIENCE_MS / 1000): number => Date.now() + seconds * 1000;
