/**
 * A text as an SQL literal, whatever standard_conforming_strings says. The two texts of a call go
 * this way and not as parameters: PLJS 1.0.5 now and then hands a parameter over as NULL (measured:
 * 90 of 20,000 calls with a boolean, 1 of 20,000 with texts; 0 of 100,000 with literals), and a
 * statement that lost its parameters reads as "no rows".
 */
export const literal = (text: string): string =>
  `E'${text.replace(/\\/g, "\\\\").replace(/'/g, "''")}'`;
