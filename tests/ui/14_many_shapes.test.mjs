import assert from "node:assert/strict";
import { annotatedVersion, api, board as boardOf, browser, images, saved, until, test } from "./fixture.mjs";

const { version } = await annotatedVersion(images(0, 1));
const [{ annotation }] = (await api("GET", `/api/dataset/version/${version.id}/assets?annotations=true`)).items;
const label_id = annotation.rectangles[0].label_id;
const rectangles = Array.from({ length: 2000 }, (_, i) => ({ x: 8 + (i % 50) * 12, y: 8 + Math.floor(i / 50) * 11, w: 8, h: 7, label_id }));
await api("POST", `/api/annotation/${annotation.id}/bulk-rectangles`, { rectangles });
const b = await browser();
const { page } = b;
const board = boardOf(page);
const draws = () => page.evaluate(() => window.saccadeBoard.draws);

test("2,000 boxes rest while one of them is dragged", async () => {
  await b.open(`/annotate/${version.id}`);
  await board.ready();
  await until("all boxes", async () => (await board.shapes()).length > 2000);
  await page.keyboard.press("v");
  const target = (await board.shapes()).at(-1);
  await board.click(target.geo.x + 4, target.geo.y + 3);
  const before = await draws();
  const from = await board.screen(target.geo.x + 4, target.geo.y + 3);
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  for (let i = 1; i <= 30; i++) await page.mouse.move(from.x - i, from.y - i);
  await page.mouse.up();
  const now = async () => (await board.shapes()).find((s) => s.id === target.id)?.geo;
  await until("the box to be another", async () => JSON.stringify(await now()) !== JSON.stringify(target.geo));
  await saved(page);
  assert.ok((await draws()) - before <= 8, `all of them were drawn ${(await draws()) - before} times`);
});

test("while the view moves their picture moves along, and they are drawn anew when it rests", async () => {
  const at = await board.screen(320, 240);
  await page.mouse.move(at.x, at.y);
  const before = await draws();
  for (let i = 0; i < 30; i++) await page.mouse.wheel(0, i < 15 ? -30 : 30);
  await page.keyboard.down("Space");
  await page.mouse.down();
  for (let i = 1; i <= 30; i++) await page.mouse.move(at.x + 2 * i, at.y + i);
  await page.mouse.up();
  await page.keyboard.up("Space");
  const during = (await draws()) - before;
  assert.ok(during <= 25, `all of them were drawn ${during} times while it moved`);
  await until("a sharp picture", async () => (await draws()) - before > 0, 5);
  await b.shot("many-shapes");
});

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
