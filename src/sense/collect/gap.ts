/** How an outside monitor fills what the role may not read. */
export const pushHint = (key: string): string =>
  `Have a monitor push it by ruvector_integrity_report(): {"metrics": {"${key}": (the figure)}}.`;
