import { type Case, code } from "./case.ts";

const identity = `
  class Mine extends Error {
    constructor(message) {
      super(message); this.name = 'Mine'; this.document = { sqlstate: 'RV001' };
    }
  }
  const thrown = new Mine('words');`;

export const SUBTRANSACTION: readonly Case[] = [
  code(
    "an error comes out of subtransaction as another one",
    `${identity} try { @.subtransaction(() => { throw thrown }) } catch (e) { return [e === ` +
      "thrown, e instanceof Mine, e instanceof Error, typeof e.document, e.message].join() }",
    "false,false,true,undefined,Mine: words",
    { differs: "the error itself" },
  ),
  code(
    "and so does a SQL error",
    "try { @.subtransaction(() => { @.execute('SELECT 1/0') }) } catch (e) { return " +
      "[e.message, e.sqlerrcode, e.code].join() }",
    "division by zero,,",
  ),
  code("which nobody catches", "@.subtransaction(() => { @.execute('SELECT 1/0') })", {
    code: "XX000",
    message: "division by zero",
  }),
  code(
    "a text comes out as an Error",
    "try { @.subtransaction(() => { throw 'words' }) } catch (e) { return e instanceof Error " +
      "&& e.message }",
    "words",
    { differs: "the text" },
  ),
  code(
    "kept inside and thrown again outside it is itself",
    `${identity} let kept; try { try { @.subtransaction(() => { try { throw thrown } catch ` +
      "(e) { kept = e; throw e } }) } catch (e) { throw kept } } catch (e) { return [e === " +
      "thrown, e.document.sqlstate].join() }",
    "true,RV001",
  ),
];
