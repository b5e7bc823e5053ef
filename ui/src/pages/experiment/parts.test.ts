import assert from "node:assert/strict";
import { test } from "node:test";
import { partOf, partsOf, sameTwice, splitOf } from "./parts";

const v = (id: string, version: string, origin_name = "cells", created_at = "2026-01-01") => ({ id, version, origin_name, created_at });

test("names speak of parts by whole words", () => {
  assert.equal(partOf("train"), "train");
  assert.equal(partOf("Train-2"), "train");
  assert.equal(partOf("my_test"), "test");
  assert.equal(partOf("validation v2"), "eval");
  assert.equal(partOf("contest"), null);
  assert.equal(partOf("first"), null);
});

test("a version for tests is never learned from by default", () => {
  assert.deepEqual(partsOf([v("t", "test")]), [{ name: "train", version: null }, { name: "test", version: "t" }]);
  assert.deepEqual(partsOf([v("t", "test"), v("a", "train")]), [{ name: "train", version: "a" }, { name: "test", version: "t" }]);
  assert.deepEqual(partsOf([v("t", "first", "cells test"), v("e", "val")]), [{ name: "train", version: null }, { name: "test", version: "t" }, { name: "eval", version: "e" }]);
});

test("the only version without a part is learned from; of several nobody guesses", () => {
  assert.deepEqual(partsOf([v("a", "first")]), [{ name: "train", version: "a" }]);
  assert.deepEqual(partsOf([v("a", "first"), v("t", "test")]), [{ name: "train", version: "a" }, { name: "test", version: "t" }]);
  assert.deepEqual(partsOf([v("a", "first"), v("b", "second")]), [{ name: "train", version: null }]);
});

test("of two of a part the newer one is taken", () => {
  assert.deepEqual(partsOf([v("old", "train", "cells", "2026-01-01"), v("new", "train-2", "cells", "2026-02-01")]), [{ name: "train", version: "new" }]);
});

test("one version in both parts is seen", () => {
  const rows = [{ name: "train", version: "a" }, { name: "part-3", version: "b" }, { name: "test", version: "b" }];
  assert.deepEqual(splitOf(rows).learned.map((r) => r.name), ["train", "part-3"]);
  assert.deepEqual(sameTwice(rows)?.map((r) => r.name), ["part-3", "test"]);
  assert.equal(sameTwice([{ name: "train", version: "a" }, { name: "test", version: "b" }]), null);
});
