/**
 * A text as an SQL literal, whatever standard_conforming_strings says. The two texts of a call go
 * this way and not as parameters: PLJS 1.0.5 now and then hands a parameter over as NULL (measured:
 * 90 of 20,000 calls with a boolean, 1 of 20,000 with texts; 0 of 100,000 with literals), and a
 * statement that lost its parameters reads as "no rows".
 *
 * Documents are in dollars, where nothing has to be doubled: of a look at 256 partitions, half of
 * whose documents are quotes, that was a tenth. Without `$q` in it nothing can end the literal
 * before its end.
 */
export const literal = (text: string): string =>
  text.length > LONG && !text.includes("$q")
    ? `$q$${text}$q$`
    : `E'${text.replace(/\\/g, "\\\\").replace(/'/g, "''")}'`;

/** What is shorter reads as people write it, in messages too. */
const LONG = 1000;
