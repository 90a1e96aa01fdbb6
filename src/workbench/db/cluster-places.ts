/** Where a cluster is: for the machine, and for the server. */
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { rootFolder } from "./debootstrap.ts";
import { type Site, type SiteKind, siteOf } from "./site.ts";

/**
 * A cluster's places, as the machine sees them and as the server does, whose site may be a folder.
 * @param replica its name, e.g. "replica1"; without it the instance's primary, whose folder holds
 *   those of its replicas
 */
export function places(site: Site, instance: string, replica?: string) {
  const inside = `${site.instances}/${instance}${replica === undefined ? "" : `/${replica}`}`;
  const base = join(site.root, inside);
  return {
    site,
    instance,
    replica,
    /** For messages, and the server's cluster_name. */
    title: replica === undefined ? instance : `${instance} ${replica}`,
    base,
    data: join(base, "data"),
    socket: join(base, "socket"),
    log: join(base, "postgresql.log"),
    inside: {
      base: inside,
      data: `${inside}/data`,
      socket: `${inside}/socket`,
      log: `${inside}/postgresql.log`,
    },
  };
}
export type Places = ReturnType<typeof places>;

/** The site of that kind, without making it; undefined: it is not there. */
export const existingSite = (kind: SiteKind): Site | undefined =>
  kind === "debootstrap" && !existsSync(rootFolder())
    ? undefined
    : siteOf(kind, () => realpathSync(rootFolder()));

/** A program of PostgreSQL as the server's site has it. */
export const program = (at: Places, name: string): string => join(at.site.programs, name);
