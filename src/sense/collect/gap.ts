/** How an outside monitor fills what the role may not read. */
export const pushHint = (key: string): string =>
  `Push it: SELECT ruvector_integrity_report('<collection>', '{"metrics": {"${key}": ...}}');`;
