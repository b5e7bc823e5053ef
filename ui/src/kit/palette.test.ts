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
