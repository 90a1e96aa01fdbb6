/** COPY ... FROM STDIN is found wherever it may stand, and nothing else is taken for it. */
import { describe, expect, it } from "vitest";
import { copiesFromClient } from "../../wire/copy.ts";

describe("reads from the client", () => {
  it.each([
    "COPY t FROM STDIN",
    "copy t (a, b) from stdin with (format csv)",
    '  -- a comment\n/* another /* nested */ one */ Copy\n"T" From\tStdin',
    "SELECT 1; COPY t FROM stdin;",
    "SELECT ';'; COPY public.t FROM STDIN CSV",
    "SELECT E'\\'; COPY t FROM STDIN'; COPY t FROM STDIN",
    "DO $x$ begin end $x$; COPY t FROM STDIN",
    "COPY t FROM /* where */ STDIN",
    'COPY "a;b" FROM STDIN',
    "BEGIN;COPY größe FROM STDIN",
  ])("%s", (text) => expect(copiesFromClient(text)).toBe(true));
});

describe("does not", () => {
  it.each([
    "COPY t TO STDOUT",
    "COPY t FROM '/tmp/stdin'",
    "SELECT 'COPY t FROM STDIN'",
    'SELECT "copy" FROM stdin',
    "-- COPY t FROM STDIN\nSELECT 1",
    "/* COPY t FROM STDIN */ SELECT 1",
    "DO $$ BEGIN RAISE 'COPY t FROM STDIN'; END $$",
    "SELECT $a$; COPY t FROM STDIN$a$",
    "COPY (SELECT * FROM stdin) TO STDOUT",
    "INSERT INTO copy SELECT * FROM stdin",
    "COPY t FROM 'x'; SELECT 1 FROM stdin",
    "SELECT E'it\\'s; COPY t FROM STDIN'",
  ])("%s", (text) => expect(copiesFromClient(text)).toBe(false));
});
