// What people decide about a deployment, by clicking: how many requests the shadow answers, that it takes over, that the former
// champion comes back. The models are files that always say the same, so that each answer tells who gave it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { api, browser, images, org, session, test, unique, until } from "./fixture.mjs";

/** A detector of YOLOX's form that says one thing of that label, and nothing else. */
function detector(label) {
  const file = join(mkdtempSync(join(tmpdir(), "saccade-steered-")), "yolox.onnx");
  const made = spawnSync("python3", ["-B", "-c", `
import sys
from onnx_file import model
rows = [[0.0] * 7 for _ in range(84)]
rows[40] = [19.2, 12.8, 25.6, 12.8, 0.95, *[float(i == int(sys.argv[2])) for i in range(2)]]
open(sys.argv[1], "wb").write(model({"images": ("float32", [1, 3, 64, 64])}, {"output": ("float32", [1, 84, 7])}, [("output", [rows], "float32")]))
`, file, String(label)], { cwd: new URL("../client", import.meta.url).pathname, encoding: "utf8" });
  assert.equal(made.status, 0, made.stderr);
  return file;
}

async function brought(model, name, file) {
  const onnx = { colour: "BGR", range: [0, 255], resize: "letterbox_top_left" };
  const v = await api("POST", `/api/model/${model}/versions`, { name, type: "OBJECT_DETECTION", framework: "ONNX", labels: { 0: "red", 1: "blue" }, parameters: { onnx } });
  const connector = session.organization.default_connector_id;
  const { object_name } = await api("POST", `/api/organization/${org}/connector/${connector}/generate_object_name`, { filename: basename(file), type: "MODEL_FILE" });
  const { presigned_url_data: at } = await api("POST", `/api/object-storage/${connector}/generate_presigned_url`, { object_name, content_type: "application/octet-stream" });
  const put = await fetch(at.url, { method: "PUT", headers: { ...at.fields, "Content-Type": "application/octet-stream", "x-ms-blob-type": "BlockBlob" }, body: readFileSync(file) });
  assert.ok(put.ok, `upload: ${put.status}`);
  await api("POST", `/api/model/version/${v.id}/modelfiles`, { name: "model-latest", filename: basename(file), object_name, large: false });
  return v;
}

const model = await api("POST", `/api/organization/${org}/models`, { name: unique("steered") });
const [old, next] = [await brought(model.id, "says red", detector(0)), await brought(model.id, "says blue", detector(1))];
const { id } = await api("POST", `/api/model/version/${old.id}/deploy`, { name: unique("steered"), min_threshold: 0.1 });
await api("POST", `/api/deployment/${id}/shadow`, { model_version_id: next.id });
const now = () => api("GET", `/api/deployment/${id}`);
const b = await browser({ height: 1000 });
const { page } = b;
const menu = async (item) => {
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: item }).click();
};
const decision = (chip) => page.locator("tr").filter({ has: page.getByText(chip, { exact: true }) });

/** A file of its own for each of them, with a comment that makes it another one. */
const jpeg = readFileSync(images(0, 1)[0]);
const image = (i) => Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xfe, 0, 6]), Buffer.from(String(1000 + i)), jpeg.subarray(2)]);
async function ask(i) {
  const form = new FormData();
  form.append("media", new Blob([image(i)], { type: "image/jpeg" }), `steered${i}.jpg`);
  const answer = await api("POST", `/api/deployment/${id}/predict`, form, { "X-Request-Id": `steered ${i}` });
  return answer.model_version_id;
}
const drawn = (i) => createHash("sha256").update(`steered ${i}`).digest().readUInt32BE(0) / 2 ** 32;

test("the shadow is let answer a share of the requests, and the page says so", async () => {
  await b.open(`/deployments/${id}`);
  await page.getByTestId("shadow").waitFor();
  await menu("Let the shadow answer a share…");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Share of the requests in percent").fill("40");
  await b.shot("canary-asked");
  await dialog.getByRole("button", { name: "Answer 40 %" }).click();
  await page.getByText("Shadow answers 40 %", { exact: true }).waitFor();
  assert.equal((await now()).canary_share, 0.4);
  await decision("Shadow answers").getByText(/answers 40 % of the requests/).waitFor();
});

test("that share is answered by it, and the list of predictions tells which", async () => {
  const want = [];
  for (let i = 0; i < 20; i++) {
    want.push(drawn(i) < 0.4 ? next.id : old.id);
    assert.equal(await ask(i), want[i], `request ${i}, drawn ${drawn(i)}`);
  }
  const n = want.filter((v) => v === next.id).length;
  assert.ok(n > 3 && n < 14, `${n} of 20`);
  await b.open(`/deployments/${id}?tab=predictions`);
  await page.getByText("20 predictions").waitFor();
  await page.getByText("by the shadow", { exact: true }).first().waitFor();
  await b.shot("canary-predictions");
  await b.open(`/deployments/${id}?tab=predictions&q=${encodeURIComponent("canary = True")}`);
  await page.getByText(`${n} predictions`).first().waitFor();
  // Both saw all of them, whoever answered.
  await until("the other's predictions", async () => (await api("GET", `/api/deployment/${id}/predictedassets?limit=100`)).items.every((a) => a.champion && a.shadow));
});

test("champion and shadow stand side by side with their intervals once reviews are there", async () => {
  const { items } = await api("GET", `/api/deployment/${id}/predictedassets?limit=6`);
  await api("GET", `/api/deployment/${id}/labels`);
  for (const a of items) await api("POST", `/api/predicted/asset/${a.id}/reviews`, { rectangles: a.shadow.shapes.map((s) => ({ x: Math.round(s.x), y: Math.round(s.y), w: Math.round(s.w), h: Math.round(s.h), label_id: s.label_id })) });
  await b.open(`/deployments/${id}`);
  await page.getByTestId("beside").getByText(/mAP50 1\.000 \(1\.00–1\.00\), the champion’s 0\.000 \(0\.00–0\.00\)/).waitFor();
  const all = page.getByTestId("by-label").locator("tbody tr").first();
  assert.deepEqual((await all.locator("td").allTextContents()).slice(1), ["6", "6", ...Array(3).fill("0.0000.00–0.00"), ...Array(3).fill("1.0001.00–1.00")]);
  await page.getByTestId("by-label").scrollIntoViewIfNeeded();
  await b.shot("side-by-side");
  await page.setViewportSize({ width: 1920, height: 1080 });
  await page.emulateMedia({ colorScheme: "dark" });
  await b.shot("side-by-side-dark-1920");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 1000 });
  await page.getByTestId("by-label").getByRole("link", { name: "blue" }).click();
  await page.getByText("6 predictions").first().waitFor();
});

test("a bar of the confidence and a cell of the heatmap open the predictions with such an object", async () => {
  await b.open(`/deployments/${id}`);
  const heat = page.getByRole("img", { name: /^Heatmap of/ });
  await heat.and(page.locator("[data-painted]")).waitFor();
  const { width, height } = await heat.boundingBox();
  await heat.click({ position: { x: 2, y: 2 } });
  await page.getByTestId("cell").getByText("at that place of the image").waitFor();
  await page.getByText("None of these").waitFor();
  await page.goBack();
  const [{ champion, data }] = (await api("GET", `/api/deployment/${id}/predictedassets?limit=1`)).items;
  const [s] = champion.shapes;
  await heat.and(page.locator("[data-painted]")).waitFor();
  await heat.click({ position: { x: ((s.x + s.w / 2) / data.meta.width) * width, y: ((s.y + s.h / 2) / data.meta.height) * height } });
  await page.getByTestId("cell").getByText("at that place of the image").waitFor();
  await page.getByText("20 predictions").waitFor();
  await page.goBack();
  const chart = page.getByRole("img", { name: "Chart: Confidence" });
  const opened = () => page.url().includes("objects=");
  await until("a bar opens", async () => {
    const box = await chart.boundingBox();
    for (let x = box.width - 12; x > 40 && !opened(); x -= 8) await chart.click({ position: { x, y: box.height - 60 } });
    return opened();
  });
  await page.getByTestId("cell").getByText(/of a confidence from 0\.9 on/).waitFor();
  await page.getByText("20 predictions").waitFor();
  await b.shot("behind-a-bar");
});

test("the shadow takes over by a click, and the share ends with that", async () => {
  await b.open(`/deployments/${id}`);
  await page.getByRole("button", { name: "Promote" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Promote" }).click();
  await page.locator(`[data-testid=champion][href$="${next.id}"]`).waitFor();
  await page.getByText("Shadow answers 40 %", { exact: true }).waitFor({ state: "detached" });
  assert.equal((await now()).canary_share, 0);
  assert.equal(await ask(50), next.id);
});

test("the former champion comes back by a click, and the record of it is read", async () => {
  await menu(/^Roll back to /);
  await b.shot("rollback-asked");
  await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
  await page.locator(`[data-testid=champion][href$="${old.id}"]`).waitFor();
  assert.equal(await ask(51), old.id);
  const record = decision("Rolled back");
  await record.getByText(/goes, and .* is champion again, by hand/).waitFor();
  await record.getByText(/ · admin/).waitFor();
  await record.scrollIntoViewIfNeeded();
  await b.shot("decisions");
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Access…" }).waitFor();
  assert.equal(await page.getByRole("menuitem", { name: /Roll back/ }).count(), 0, "there is none to go back to a second time");
  await page.keyboard.press("Escape");
});

test("it is paused and resumed, and both are noted", async () => {
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume" }).waitFor();
  await assert.rejects(ask(52), /409/);
  await page.getByRole("button", { name: "Resume" }).click();
  await decision("Resumed").waitFor();
  assert.equal(await ask(52), old.id);
});

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
