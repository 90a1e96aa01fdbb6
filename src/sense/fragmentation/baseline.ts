/**
 * What an index is compared with: its own size when it was new, where that is known; else the most
 * that a fresh build of it may take. Pure. Never more fragmented than can be shown: where history
 * is not known, it is taken to be the kindest one.
 *
 *   a row that was there keeps its part of the size when new, whatever made that so (NULLs, equal
 *   vectors, widths) a row added since the most that a row may take: data changes its kind, equal
 *   vectors are followed by others a btree that grew pages that were split are half full, by
 *   design; a rebuild of them is undone by the next inserts a table that breathes the room of rows
 *   that went and come again (breath.ts) is no waste; nor is that of entries that come and go
 */
import { type Breath, type Days, expectedAgain, isWatched, noted, ranked } from "./breath.ts";
import { fragmentationPct, type IndexShape, mostPages } from "./expected.ts";

export interface IndexState extends IndexShape {
  /** `schema.name`, quoted. */
  readonly index: string;
  readonly oid: string;
  /** pg_class.relfilenode: a rebuild changes it, a rename does not. */
  readonly file: string;
  readonly table: string;
  readonly pages: number;
  /**
   * Rows of the table, the most and the least that is said of them; `rows` are the most entries
   * that the index may have.
   */
  readonly live: number;
  readonly least_live: number;
  /**
   * Entries added (inserts, and updates that are not HOT) and removed, as the server counts them.
   */
  readonly added: number;
  readonly removed: number;
  /**
   * Rows get and lose their entry by what they say, which no counter tells: there is a predicate
   * (`WHERE status = 'ready'`), or the method keeps no NULLs.
   */
  readonly varying: boolean;
  /** Keys arrive in order: then pages are left as full as fillfactor says, and not split. */
  readonly ordered: boolean;
  readonly breath: Breath;
}

/** What is remembered of an index. */
export interface Baseline {
  readonly index: string;
  readonly file: string;
  /** Its size when new; null: nobody knows when it was built, and it does not look new. */
  readonly when_new: {
    readonly pages: number;
    readonly exact: number | null;
    readonly rows: number;
    readonly live: number;
    readonly added: number;
  } | null;
  /** The largest share of the rows that had an entry, by the day, where that varies. */
  readonly shares?: Days;
}

/** By the index's oid. */
export type Baselines = Readonly<Record<string, Baseline>>;

export interface Last {
  readonly baselines: Baselines;
  /** Removed entries by table, as counted then. */
  readonly removed: Readonly<Record<string, number>>;
  /** By table; values of older versions have none. */
  readonly breaths?: Readonly<Record<string, Breath>>;
}

/** An index of less than 1 MiB is rebuilt for nothing: a few half-full pages are most of it. */
export const SMALL_PAGES = 128;

/** An index at most so much larger than a fresh build looks new. */
const LOOKS_NEW = 1.1;

/** A page that was split is half full. */
const SPLIT = 50;

/**
 * Entries, as a share of what a fresh btree holds, that split all its pages: they were filled to 90
 * %.
 */
const ALL_SPLIT = 0.1;

/**
 * Share of a table's rows that may have gone between two looks, for an index that appeared
 * meanwhile to be taken as new.
 */
const FEW_REMOVED = 0.1;

export interface Judged {
  /** Pages after a rebuild, the most there may be; null: not known. */
  readonly expected: number | null;
  /**
   * The same with the splits that inserts have made, and with room for what comes again: more than
   * that is waste.
   */
  readonly fair: number | null;
  readonly baseline: Baseline;
}

/**
 * @param exact pages of a rebuild as pgstattuple has them; null: not read
 * @param last what the last look left; null: there was none
 */
export function judge(state: IndexState, exact: number | null, last: Last | null): Judged {
  const known = last?.baselines[state.oid];
  const same = known?.file === state.file;
  const begins =
    same && known.when_new
      ? { ...known, index: state.index }
      : begun(state, exact, same ? null : last, known !== undefined);
  const baseline = state.varying
    ? { ...begins, shares: noted((same && known.shares) || {}, state.breath.at, shareOf(state)) }
    : begins;
  const packed = packedPages(state, exact, baseline);
  return {
    expected: packed,
    fair: packed === null ? null : fairPages(state, packed, baseline),
    baseline,
  };
}

const shareOf = ({ rows, live }: Pick<IndexState, "rows" | "live">): number =>
  live > 0 ? Math.min(1, rows / live) : 1;

/** Pages after a rebuild, the most there may be; null: not known. */
function packedPages(state: IndexState, exact: number | null, baseline: Baseline): number | null {
  const { when_new, shares } = baseline;
  if (exact === null)
    return when_new
      ? grown(state, when_new, shares !== undefined && isWatched(shares, state.breath.at))
      : mostPages(state);
  return exact * (when_new?.exact ? Math.max(1, when_new.pages / when_new.exact) : 1);
}

function fairPages(state: IndexState, packed: number, baseline: Baseline): number {
  // Nobody searches an index without entries, and what is emptied is filled again or dropped. Its
  // table may have rows: all vectors set to NULL before they are made anew, none that waits.
  if (state.rows < 1) return state.pages;
  return (packed + room(state, packed, baseline)) * splits(state, baseline.when_new);
}

/**
 * Pages that the rows which went will take when they come again. Where entries vary, any row may
 * have one again, until that was watched for a week: of 60,000 rows that were ready 10 were an hour
 * later, and lambda was 0.01 until the next night.
 */
function room(state: IndexState, packed: number, { when_new, shares }: Baseline): number {
  const { live, rows, breath } = state;
  const again = expectedAgain(breath) * shareOf(state);
  if (!shares) return pagesOf(again, state, when_new);
  if (isWatched(shares, breath.at))
    return pagesOf(Math.max(again, ranked(shares)[0]! * live - rows), state, when_new);
  if (!when_new) return pagesOf(Math.max(again, live - rows), state, when_new);
  const stays = when_new.pages * Math.min(1, live / Math.max(1, when_new.live));
  return Math.max(pagesOf(again, state, when_new), stays - packed);
}

/** Pages of more rows. */
function pagesOf(more: number, state: IndexState, when_new: Baseline["when_new"]): number {
  if (when_new) return (more * when_new.pages) / Math.max(1, when_new.rows);
  const then = mostPages({ ...state, rows: state.rows + more });
  return then === null ? 0 : then - mostPages(state)!;
}

/**
 * An index of a table whose rows nobody has counted: as full as can be, until somebody has. Deleted
 * rows count after a VACUUM, and that counts. One that is too small to speak of, too.
 */
export function unjudged(
  { index, oid, file, pages }: Pick<IndexState, "index" | "oid" | "file" | "pages">,
  last: Last | null,
): Judged {
  const known = last?.baselines[oid];
  return {
    expected: pages,
    fair: pages,
    baseline: { index, file, when_new: known?.file === file ? known.when_new : null },
  };
}

/** A file that was not there at the last look, or did not look new then. */
function begun(
  state: IndexState,
  exact: number | null,
  last: Last | null,
  rebuilt: boolean,
): Baseline {
  const { index, file, pages, rows, live, least_live, added } = state;
  const appeared =
    last !== null &&
    (rebuilt ||
      Object.values(last.baselines).some((one) => one.index === index) ||
      !thinned(state, last));
  const fresh = exact ?? mostPages(state);
  const isNew =
    pages >= SMALL_PAGES && (appeared || (fresh !== null && pages <= fresh * LOOKS_NEW));
  // Few rows then, many now: what is counted twice (by ANALYZE, and by a session that reports
  // behind it) must not make it look bloated.
  const certain = live > 0 ? least_live / live : 1;
  return {
    index,
    file,
    when_new: isNew ? { pages, exact, rows: rows * certain, live: least_live, added } : null,
  };
}

/**
 * Whether many rows went since the last look: what was built in between may have been full, and no
 * more is.
 */
const thinned = ({ table, removed, live }: IndexState, last: Last): boolean => {
  const before = last.removed[table] ?? 0;
  return (removed >= before ? removed - before : removed) > FEW_REMOVED * live;
};

/** Entries added since; counters that fell were reset, and say nothing. */
const addedSince = ({ added }: IndexState, before: number): number =>
  added >= before ? added - before : Infinity;

/** @param watched by its entries alone: they were looked at for a week */
function grown(
  state: IndexState,
  when_new: NonNullable<Baseline["when_new"]>,
  watched: boolean,
): number | null {
  const fresh = Math.min(state.rows, addedSince(state, when_new.added));
  // By the entries, and by the rows of the table: an ANALYZE that came meanwhile changes the one
  // and not the other.
  const kept = Math.max(
    (state.rows - fresh) / Math.max(1, when_new.rows),
    watched ? 0 : (state.live - fresh) / Math.max(1, when_new.live),
  );
  const each = when_new.pages / Math.max(1, when_new.rows);
  const most = mostPages({ ...state, rows: fresh });
  const then = mostPages({ ...state, rows: when_new.rows });
  // Where even a new one was larger than the most there should be, the estimate is off by as much.
  const known = most !== null && then !== null;
  // Vectors of one column are much alike in width; texts are not.
  if (!known && fresh > 0 && state.method === "btree") return null;
  const added = known ? most * Math.max(1, when_new.pages / then) : fresh * each;
  const growth = fresh === 0 ? 0 : added;
  return when_new.pages * Math.min(1, Math.max(0, kept)) + growth;
}

/** How much larger than packed a btree is by the splits that inserts have made. */
function splits(state: IndexState, when_new: Baseline["when_new"]): number {
  if (state.method !== "btree" || state.ordered) return 1;
  const share = when_new
    ? Math.min(1, addedSince(state, when_new.added) / Math.max(1, ALL_SPLIT * state.rows))
    : 1;
  return 1 + Math.max(0, state.fillfactor / SPLIT - 1) * share;
}

/** Fragmentation in percent; null: not known. */
export const fragmentationOf = (
  { pages }: Pick<IndexState, "pages">,
  { fair }: Judged,
): number | null => (fair === null ? null : fragmentationPct(pages, Math.min(pages, fair)));
