/**
 * Of the process: 0 all is well, 1 it could not be asked or done, 3 something needs attention, 4
 * the loop does not run, 5 of a collection it is not known how it is.
 */
export const EXIT = { well: 0, failed: 1, attention: 3, stopped: 4, unknown: 5 } as const;
