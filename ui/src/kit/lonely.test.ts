import assert from "node:assert/strict";
import { test } from "node:test";
import { lonely } from "./lonely";

test("a point alone and a piece as thin as a hair are shown by symbols, a line is not", () => {
  assert.deepEqual(lonely([[0, null], [5, 1], [6, null], [10, 2], [90, 3], [100, null]]), [false, true, false, false, false, false]);
  assert.deepEqual(lonely([[0, null], [99_998, 1], [99_999, 2], [100_000, null]]), [false, true, true, false]);
  assert.deepEqual(lonely([[0, 1], [1, 2]]), [false, false]);
  assert.deepEqual(lonely([]), []);
});
