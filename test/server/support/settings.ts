/**
 * Settings of the server that the test files share. Nobody kills this one, and the machine's end is
 * the end of the tests: what is killed is a server of its own, where fsync is on. Autovacuum would
 * come to some table of some file at some moment, have a lock there that a step must wait for, or
 * set its statistics anew: what the product does then is asked by tests that make it so. Servers of
 * their own, drills, shapes and chaos have it.
 */
export const SETTINGS = { fsync: "off", autovacuum_naptime: "1d" };
