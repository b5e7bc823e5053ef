import assert from "node:assert/strict";
import { test } from "node:test";
import { labelColours, nameColours } from "./palette";

test("a label has the same colour however a page lists it", () => {
  const byUse = labelColours([{ id: "1", name: "white cell" }, { id: "2", name: "platelet" }]);
  const byName = nameColours(["platelet", "white cell"]);
  assert.equal(byUse.get("1"), byName.get("white cell"));
  assert.equal(byUse.get("2"), byName.get("platelet"));
  assert.notEqual(byUse.get("1"), byUse.get("2"));
});

test("a label keeps its colour where there are other labels too", () => {
  const few = nameColours(["red_cell", "white_cell", "platelet"]);
  assert.equal(new Set(few.values()).size, 3);
  for (const more of ["car", "person", "zebra"]) {
    const many = nameColours(["red_cell", "white_cell", "platelet", more]);
    assert.equal(many.get("red_cell"), few.get("red_cell"), more);
    assert.equal(many.get("white_cell"), few.get("white_cell"), more);
  }
  const all = nameColours(Array.from({ length: 12 }, (_, i) => `label ${i}`));
  assert.equal(new Set(all.values()).size, 12, "no colour is given twice while others are free");
});
