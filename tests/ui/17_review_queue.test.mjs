import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { annotatedVersion, api, board as boardOf, brief, browser, images, project, trained, unique, until, test } from "./fixture.mjs";

// Predictions that are told from elsewhere: a hundred images of two, with confidences from sure to unsure.
const { version } = await annotatedVersion(images(0, 12));
const lab = await project([version]);
const first = await trained(lab.id, version, "first");
const model = await api("POST", `/api/experiment/${first.id}/publish`, { name: unique("queue") });
const deployment = await api("POST", `/api/model/version/${model.id}/deploy`, { name: unique("queue"), min_threshold: 0.1 });
const path = `/api/deployment/${deployment.id}`;
const label = (await api("GET", `${path}/labels`)).items[0];
const N = 80;
const jpeg = images(12, 13).map((p) => readFileSync(p))[0];
for (let i = 0; i < N; i++) {
  // A comment of its own makes each file another one.
  const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0, 6]), Buffer.from(String(1000 + i))]);
  const image = Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)]).toString("base64");
  const raw = { detection_classes: [0, 0], detection_texts: [label.name, label.name], detection_scores: Array(2).fill(0.98 - i * 0.006), detection_boxes: [[10, 10, 60, 60], [100, 100, 160, 160]] };
  await api("POST", `${path}/predictions`, { filename: `queue${i}.jpg`, content_type: "IMAGE/JPEG", width: 640, height: 480, latency: 0.01, raw_predictions: raw, image });
}
const b = await browser();
const { page } = b;
const board = boardOf(page);
const here = () => new URL(page.url()).searchParams.get("asset");
const sent = () => page.locator("[data-testid=sending][data-state=saved]").waitFor({ state: "attached" });
const reviewed = async () => (await api("GET", path)).counts.reviewed;

test("the queue opens with what teaches most, and tells how many wait in each order", async () => {
  await b.open(`/deployments/${deployment.id}`);
  await page.getByRole("button", { name: `Review ${N}` }).click();
  await page.waitForURL(/queue=MIXED/);
  await board.ready();
  await page.getByTestId("why").waitFor();
  await page.getByRole("textbox", { name: "What comes next" }).click();
  const c = (await api("GET", `${path}/review-queue`)).orders;
  for (const [order, word] of [["UNCERTAIN", "Unsure"], ["RANDOM", "By chance"], ["SKIPPED", "Skipped"]])
    await page.getByText(`${word} · ${c.find((o) => o.order === order).count}`, { exact: true }).first().waitFor();
  await b.shot("review-queue-orders");
  await page.keyboard.press("Escape");
});

test("sixty images are reviewed by one key each, and all of them are saved in the background", async () => {
  await page.evaluate(() => document.activeElement?.blur());
  const began = Date.now();
  let last = "";
  for (let i = 0; i < 60; i++) {
    await page.waitForFunction(([old]) => { const s = window.saccadeBoard?.state; return s && !s.loading && new URL(location.href).searchParams.get("asset") !== old && s.history.doc.shapes.length === 2; }, [last]);
    last = here();
    await page.keyboard.press("Enter");
  }
  const keys = Date.now() - began;
  await sent();
  console.log(`measured: review by keys: 60 images on the board, accepted and followed by the next in ${(keys / 1000).toFixed(1)} s, all saved after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  assert.equal(await reviewed(), 60);
  const all = (await api("GET", `${path}/predictedassets?limit=100&q=${encodeURIComponent('status = "REVIEWED"')}`)).items;
  assert.ok(all.every((a) => a.review.shapes.length === 2));
  assert.deepEqual([...new Set(all.map((a) => a.review.chosen))].sort(), ["RANDOM", "UNCERTAIN"]);
  await b.shot("review-queue");
});

test("the last review is taken back by a key, and given again", async () => {
  const asset = here();
  await page.keyboard.press("u");
  await until("the image again", async () => here() !== asset);
  await sent();
  assert.equal(await reviewed(), 59);
  await page.keyboard.press("Enter");
  await sent();
  await until("sixty", async () => (await reviewed()) === 60);
});

test("a skipped image leaves the queue and is found among the skipped ones", async () => {
  await until("the board", async () => (await board.shapes()).length === 2);
  const asset = here();
  await page.keyboard.press("s");
  await sent();
  assert.equal((await api("GET", `/api/predicted/asset/${asset}`)).skipped, true);
  await b.open(`/review/${deployment.id}?queue=SKIPPED`);
  await board.ready();
  await until("the skipped image", async () => here() === asset);
});

test("what cannot be saved is told, kept in order, and sent when the server answers again", async () => {
  await b.open(`/review/${deployment.id}?queue=UNCERTAIN`);
  await board.ready();
  const before = await reviewed();
  await page.route("**/reviews", (route) => route.abort());
  for (let i = 0; i < 3; i++) {
    const old = here();
    await page.keyboard.press("Enter");
    await until("the next image", async () => here() !== old);
  }
  await page.getByText("Offline, 3 images waiting").waitFor();
  await b.shot("review-offline");
  assert.equal(await reviewed(), before);
  await page.unroute("**/reviews");
  await sent();
  assert.equal(await reviewed(), before + 3);
});

test("one that somebody else has reviewed meanwhile is named, and given up, and the others are sent", async () => {
  const asset = here();
  await api("POST", `/api/predicted/asset/${asset}/reviews`, {});
  const before = await reviewed();
  await page.keyboard.press("Enter");
  await until("the next image", async () => here() !== asset);
  await page.keyboard.press("Enter");
  await page.getByText("Not saved: 2 images").click();
  await page.getByText("the image has been reviewed already").waitFor();
  await b.shot("review-refused");
  await page.getByText("Give up the first of them, send the others").click();
  await sent();
  assert.equal(await reviewed(), before + 1);
});

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
