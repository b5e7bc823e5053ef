import assert from "node:assert/strict";
import { test } from "node:test";
import { broken } from "./gaps";

const curve = (...at: number[]) => broken(at.map((t) => ({ at: t, value: 1, id: String(t) })));
const ends = (...at: number[]) => curve(...at).filter((p) => p.value === null).map((p) => p.at);

test("a line ends where nothing came for long", () => {
  assert.deepEqual(ends(0, 1, 2, 3, 100, 101, 102), [51.5]);
  assert.equal(curve(0, 1, 2, 3, 100).length, 6);
});

test("points that come evenly, or two only, are one line", () => {
  assert.deepEqual(ends(0, 10, 20, 30, 41), []);
  assert.deepEqual(ends(0, 1000), []);
  assert.deepEqual(ends(5), []);
  assert.deepEqual(ends(), []);
});

test("short pauses of a long curve are no gaps", () => {
  assert.deepEqual(ends(...Array.from({ length: 1000 }, (_, i) => i * 10), 10_120), []);
});
