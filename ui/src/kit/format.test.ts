import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, bytes, count, countOf, countWords, duration, figure, fixed, plural } from "./format";

test("figures keep four digits and no zeros at their end", () => {
  assert.equal(figure(0.560349), "0.5603");
  assert.equal(figure(0.5), "0.5");
  assert.equal(figure(0), "0");
  assert.equal(figure(1204), "1,204");
  assert.equal(figure(0.00001234), "1.23e-5");
  assert.equal(figure(null), "–");
  assert.equal(figure(Number.NaN), "–");
});

test("figures that stand below each other have digits of one number", () => {
  assert.equal(fixed(0.5, 3), "0.500");
  assert.equal(fixed(1, 2), "1.00");
  assert.equal(fixed(null, 3), "–");
});

test("counts are grouped, and one is one", () => {
  assert.equal(count(1204567), "1,204,567");
  assert.equal(plural(1, "image"), "1 image");
  assert.equal(plural(0, "image"), "0 images");
});

test("sizes change their unit before they take four digits", () => {
  assert.equal(bytes(999), "999 B");
  assert.equal(bytes(1000), "1.0 kB");
  assert.equal(bytes(999_600), "1.0 MB");
  assert.equal(bytes(3_700_000), "3.7 MB");
});

test("a duration never has sixty seconds or minutes beside it", () => {
  assert.equal(duration(0.0604), "60 ms");
  assert.equal(duration(7.84), "7.8 s");
  assert.equal(duration(59.7), "1 min 0 s");
  assert.equal(duration(119.6), "2 min 0 s");
  assert.equal(duration(3599.8), "1 h 0 min");
  assert.equal(duration(7199), "2 h 0 min");
});

test("what is not wholly counted is not said to be", () => {
  assert.equal(countOf({ count: 10000, count_exact: false }), "10,000+");
  assert.equal(countOf({ count: 12, count_exact: true }), "12");
  assert.equal(countWords(10000, true, "image"), "at least 10,000 images");
  assert.equal(countWords(1, false, "image"), "1 image");
});

test("a time to come is not said to be now", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const at = (s: number) => ago(new Date(now + 1000 * s).toISOString(), now);
  assert.equal(at(-600), "10 min ago");
  assert.equal(at(60), "just now");
  assert.equal(at(600), "in 10 min");
  assert.equal(at(5 * 3600), "in 5 h");
  assert.equal(at(10 * 86_400), "in 10 days");
  assert.equal(at(365 * 86_400), "Jan 1, 2027");
});
