import assert from "node:assert/strict";
import { annotatedVersion, api, board as boardOf, browser, images, saved, until, test } from "./fixture.mjs";

const { version } = await annotatedVersion(images(8, 12), { annotate: false });
const b = await browser();
const { page } = b;
const board = boardOf(page);
const onServer = async (i) => (await api("GET", `/api/dataset/version/${version.id}/assets?annotations=true`)).items[i].annotation;
const near = (got, want) => ["x", "y", "w", "h"].every((k) => Math.abs(got[k] - want[k]) <= 1);

test("boxes are drawn by dragging and by two clicks; the last label sticks", async () => {
  await b.open(`/annotate/${version.id}`);
  await board.ready();
  await page.getByLabel("Add a label").fill("cell");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Label cell" }).waitFor();
  await page.getByLabel("Add a label").fill("nucleus");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Label nucleus" }).waitFor();
  await page.keyboard.press("1");
  await page.keyboard.press("b");
  await board.drag(100, 100, 220, 180);
  await board.click(300, 300);
  await board.click(360, 340);
  const shapes = await board.shapes();
  assert.equal(shapes.length, 2);
  assert.ok(near(shapes[0].geo, { x: 100, y: 100, w: 120, h: 80 }), JSON.stringify(shapes[0].geo));
  assert.ok(near(shapes[1].geo, { x: 300, y: 300, w: 60, h: 40 }), JSON.stringify(shapes[1].geo));
  assert.equal(shapes[0].label, shapes[1].label);
  await saved(page);
  const a = await until("the first save", async () => onServer(0));
  assert.equal(a.rectangles.length, 2);
  await b.shot("annotate");
});

test("a box that is drawn over the edge ends at the edge", async () => {
  await board.drag(600, 440, 700, 520);
  const last = (await board.shapes())[2];
  assert.deepEqual({ x: last.geo.x + last.geo.w, y: last.geo.y + last.geo.h }, { x: 640, y: 480 });
  await page.keyboard.press("Delete");
  assert.equal((await board.shapes()).length, 2);
});

test("boxes are moved, resized, relabelled and deleted; undo and redo walk through all of it", async () => {
  await page.keyboard.press("v");
  await board.drag(160, 140, 190, 160);
  assert.ok(near((await board.shapes())[0].geo, { x: 130, y: 120, w: 120, h: 80 }));
  await board.drag(250, 200, 270, 230);
  assert.ok(near((await board.shapes())[0].geo, { x: 130, y: 120, w: 140, h: 110 }), "the corner was drawn out");
  await page.keyboard.press("2");
  const relabelled = await board.shapes();
  assert.notEqual(relabelled[0].label, relabelled[1].label);
  await page.keyboard.press("ArrowRight");
  assert.ok(near((await board.shapes())[0].geo, { x: 131, y: 120, w: 140, h: 110 }), "arrows move by a pixel");
  await page.keyboard.press("Delete");
  assert.equal((await board.shapes()).length, 1);
  for (let i = 0; i < 5; i++) await page.keyboard.press("Control+z");
  const back = await board.shapes();
  assert.equal(back.length, 2);
  assert.ok(near(back[0].geo, { x: 100, y: 100, w: 120, h: 80 }), JSON.stringify(back[0].geo));
  for (let i = 0; i < 4; i++) await page.keyboard.press("Control+Shift+z");
  assert.ok(near((await board.shapes())[0].geo, { x: 131, y: 120, w: 140, h: 110 }));
  await page.keyboard.press("Control+s");
  await saved(page);
});

test("what was saved is there after a reload, and on the server", async () => {
  await page.reload();
  await board.ready();
  const shapes = await board.shapes();
  assert.equal(shapes.length, 2);
  assert.ok(shapes.some((s) => near(s.geo, { x: 131, y: 120, w: 140, h: 110 })), JSON.stringify(shapes));
  const a = await onServer(0);
  assert.ok(a.rectangles.some((r) => near(r, { x: 131, y: 120, w: 140, h: 110 })));
});

test("the wheel zooms at the pointer, space and drag pan, R shows the whole image", async () => {
  const before = await board.screen(320, 240);
  await page.mouse.move(before.x, before.y);
  await page.mouse.wheel(0, -400);
  await page.waitForTimeout(100);
  const at = await board.screen(320, 240);
  assert.ok(Math.hypot(at.x - before.x, at.y - before.y) < 2, "the point under the pointer stays");
  const corner = await board.screen(0, 0);
  await page.keyboard.down("Space");
  await page.mouse.down();
  await page.mouse.move(before.x + 60, before.y + 30);
  await page.mouse.up();
  await page.keyboard.up("Space");
  const moved = await board.screen(0, 0);
  assert.ok(Math.hypot(moved.x - corner.x - 60, moved.y - corner.y - 30) < 2);
  assert.equal((await board.shapes()).length, 2, "panning draws nothing");
  await page.keyboard.press("r");
  await page.waitForTimeout(50);
  const fitted = await board.screen(320, 240);
  assert.ok(Math.hypot(fitted.x - before.x, fitted.y - before.y) < 2);
});

test("the next and the previous image are a key away; undo survives the way", async () => {
  await page.keyboard.press("b");
  await board.drag(400, 100, 450, 150);
  await page.keyboard.press("p");
  await page.waitForURL(/i=1/);
  await board.ready();
  await until("the other image's shapes", async () => (await board.shapes()).length === 0);
  await board.drag(50, 50, 90, 90);
  await page.keyboard.press("o");
  await until("the first image's shapes", async () => (await board.shapes()).length === 3);
  await page.keyboard.press("Control+z");
  assert.equal((await board.shapes()).length, 2);
  await page.keyboard.press("Enter");
  await page.waitForURL(/i=1/);
  await saved(page);
  const first = await until("the acceptance", async () => { const a = await onServer(0); return a.status === "ACCEPTED" && a; });
  assert.equal(first.rectangles.length, 2);
  assert.equal((await onServer(1)).rectangles.length, 1);
});

test("without a network edits wait, and are saved when it is back", async () => {
  await page.route("**/api/asset/**", (r) => r.abort());
  await board.drag(200, 200, 260, 260);
  await page.waitForFunction(() => document.querySelector("[data-testid=save-state]")?.getAttribute("data-state") === "offline");
  await b.shot("annotate-offline");
  assert.equal((await onServer(1)).rectangles.length, 1);
  await page.unroute("**/api/asset/**");
  await saved(page);
  assert.equal((await onServer(1)).rectangles.length, 2);
});

test("when someone else has saved meanwhile, one chooses whose edits stay", async () => {
  const asset = (await api("GET", `/api/dataset/version/${version.id}/assets?annotations=true`)).items[1];
  await api("PUT", `/api/asset/${asset.id}/annotation`, { revision: asset.annotation.revision, status: "PENDING", duration: 1, rectangles: [], polygons: [], lines: [], points: [], classifications: [] });
  await board.drag(500, 300, 560, 360);
  await page.getByText("Someone else has saved this image meanwhile").waitFor();
  await b.shot("annotate-conflict");
  await page.getByRole("button", { name: "Keep mine" }).click();
  await saved(page);
  assert.equal((await onServer(1)).rectangles.length, 3);
});

test("? lists the keys", async () => {
  await page.keyboard.press("?");
  await page.getByRole("dialog").getByText("Accept, next image").waitFor();
  await b.shot("keys");
  await page.keyboard.press("Escape");
});

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
