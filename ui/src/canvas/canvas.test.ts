import assert from "node:assert/strict";
import { test } from "node:test";
import { addShapes, changeShapes, emptyDoc, removeShapes, withGeo, type Shape } from "./doc";
import { apply, redo, startHistory, undo } from "./edit";
import { rect } from "./shapes/rect";
import { loopsOf } from "./geometry";
import { fit, panBy, toImage, toScreen, zoomAt } from "./view";

const image = { w: 640, h: 480 };
const room = { w: 1000, h: 700 };
const box = (id: string, x: number, y: number, w: number, h: number): Shape => ({ id, label: "a", kind: "rectangle", geo: { x, y, w, h } });

test("a point of the image comes back from the screen", () => {
  const v = zoomAt(fit(image, room), { x: 321, y: 123 }, 2.5, image, room);
  const back = toImage(v, toScreen(v, { x: 17, y: 401 }));
  assert.ok(Math.abs(back.x - 17) < 1e-9 && Math.abs(back.y - 401) < 1e-9);
});

test("parts and holes that were joined by lines without area are apart again", () => {
  const p = (text: string) => text.split(" ").map((xy) => ({ x: Number(xy.split(",")[0]), y: Number(xy.split(",")[1]) }));
  const plain = p("0,0 10,0 10,10 0,10");
  assert.deepEqual(loopsOf(plain), [plain]);
  const holed = p("0,0 10,0 10,10 0,10 2,8 8,8 8,2 2,2 2,8 0,10");
  assert.deepEqual(loopsOf(holed), [plain, p("2,8 8,8 8,2 2,2")]);
  const twice = p("0,0 10,0 10,10 0,10 1,8 4,8 4,2 1,2 1,8 0,10 6,8 9,8 9,2 6,8 0,10");
  assert.deepEqual(loopsOf(twice), [plain, p("1,8 4,8 4,2 1,2"), p("6,8 9,8 9,2")]);
  const nested = p("0,0 10,0 10,10 0,10 2,8 8,8 8,2 5,5 6,5 6,6 5,5 8,2 2,2 2,8 0,10");
  assert.deepEqual(loopsOf(nested), [plain, p("5,5 6,5 6,6"), p("2,8 8,8 8,2 2,2")]);
});

test("zooming keeps what is under the pointer", () => {
  const v = fit(image, room);
  const at = { x: 500, y: 350 };
  const before = toImage(v, at);
  const after = toImage(zoomAt(v, at, 1.7, image, room), at);
  assert.ok(Math.abs(before.x - after.x) < 1e-9 && Math.abs(before.y - after.y) < 1e-9);
});

test("panning never loses the image", () => {
  const v = panBy(fit(image, room), 1e6, -1e6, image, room);
  assert.ok(v.x <= room.w - 40 && v.y + image.h * v.scale >= 40);
});

test("a box stays inside the image however it is moved", () => {
  assert.deepEqual(rect.drag({ x: 10, y: 10, w: 100, h: 50 }, "inside", { x: 9999, y: -9999 }, image), { x: 540, y: 0, w: 100, h: 50 });
});

test("a corner dragged over the opposite one turns the box over", () => {
  assert.deepEqual(rect.drag({ x: 100, y: 100, w: 50, h: 50 }, 0, { x: 80, y: 90 }, image), { x: 150, y: 150, w: 30, h: 40 });
});

test("corners are held before edges, edges before the inside", () => {
  const g = { x: 100, y: 100, w: 200, h: 100 };
  assert.equal(rect.hit(g, { x: 102, y: 99 }, 5), 0);
  assert.equal(rect.hit(g, { x: 150, y: 98 }, 5), 1);
  assert.equal(rect.hit(g, { x: 302, y: 130 }, 5), 3);
  assert.equal(rect.hit(g, { x: 180, y: 170 }, 5), "inside");
  assert.equal(rect.hit(g, { x: 90, y: 90 }, 5), "none");
});

test("a finished box has whole pixels inside the image, or is nothing", () => {
  assert.deepEqual(rect.finish({ x: -3.4, y: 470.2, w: 20, h: 20 }, image), { x: 0, y: 470, w: 17, h: 10 });
  assert.equal(rect.finish({ x: 10, y: 10, w: 0.2, h: 30 }, image), null);
});

test("undo and redo walk the list of edits, and a new edit ends the redo", () => {
  const one = addShapes(emptyDoc, [box("s1", 0, 0, 10, 10)]);
  const two = addShapes(one, [box("s2", 5, 5, 10, 10)]);
  let h = apply(apply(startHistory(emptyDoc), "draw", one), "draw", two);
  h = undo(h);
  assert.equal(h.doc, one);
  assert.equal(redo(h).doc, two);
  h = apply(h, "delete", removeShapes(one, new Set(["s1"])));
  assert.equal(redo(h), h);
  assert.equal(undo(undo(h)).doc, emptyDoc);
  assert.equal(undo(undo(undo(h))).doc, emptyDoc);
});

test("edits with one mark are one, and an edit that changes nothing is none", () => {
  const start = addShapes(emptyDoc, [box("s1", 0, 0, 10, 10)]);
  let h = startHistory(start);
  for (let x = 1; x <= 5; x++) h = apply(h, "nudge", changeShapes(h.doc, new Set(["s1"]), (s) => withGeo(s, { x, y: 0, w: 10, h: 10 })), "nudge s1");
  assert.equal(h.done.length, 1);
  assert.equal(undo(h).doc, start);
  assert.equal(apply(h, "nothing", h.doc), h);
});
