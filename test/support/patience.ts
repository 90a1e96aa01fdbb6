/**
 * How long a test waits for what is to come. It ends when that comes, so a long end costs nothing:
 * waits of 5 to 40 s ended too early in most of the whole runs that failed on busy machines.
 */
export const PATIENCE_MS = 150_000;

/**
 * The instant at which a wait ends.
 * @param seconds where more than usual is wanted, or something is not to come
 */
export const waitEnds = (seconds = PATIENCE_MS / 1000): number => Date.now() + seconds * 1000;
