import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { annotatedVersion, api, browser, images, org, test, unique, until } from "./fixture.mjs";

/** A file of YOLOX's form, which always says one "blue" thing: colour, range and rule of resizing are nowhere in it. */
const file = join(mkdtempSync(join(tmpdir(), "saccade-brought-")), "yolox.onnx");
const made = spawnSync("python3", ["-B", "-c", `
import sys
from onnx_file import model
rows = [[0.0] * 7 for _ in range(84)]
rows[40] = [19.2, 12.8, 25.6, 12.8, 0.9, 0, 1.0]
open(sys.argv[1], "wb").write(model({"images": ("float32", [1, 3, 64, 64])}, {"output": ("float32", [1, 84, 7])}, [("output", [rows], "float32")]))
`, file], { cwd: new URL("../client", import.meta.url).pathname, encoding: "utf8" });
assert.equal(made.status, 0, made.stderr);

const model = await api("POST", `/api/organization/${org}/models`, { name: unique("brought") });
const version = await api("POST", `/api/model/${model.id}/versions`, { name: "one", type: "OBJECT_DETECTION", framework: "ONNX", labels: { 0: "red", 1: "blue" } });
const b = await browser();
const { page } = b;
const told = page.getByTestId("file");

test("a file of another exporter is dropped on its version, and what it cannot tell is asked for", async () => {
  await b.open(`/model-versions/${version.id}`);
  await page.locator("input[type=file]").first().setInputFiles(file);
  await told.getByText("a detector of the YOLO kind").first().waitFor();
  await told.getByText("the file does not say all that must be known").waitFor();
  assert.equal(await told.getByText("must be told").count(), 3);
  await page.evaluate(readFileSync(createRequire(new URL("../../ui/package.json", import.meta.url)).resolve("axe-core/axe.min.js"), "utf8"));
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa"] }, resultTypes: ["violations"] }));
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)}`), []);
  await b.shot("brought-asked");
});

test("what is told is checked, and the image beside it is shown to the model again", async () => {
  await page.getByTestId("try").locator("..").locator("input[type=file]").first().setInputFiles(images(1, 2)[0]);
  await page.getByTestId("try").getByText("the file does not say").waitFor();
  await told.getByLabel("colour").fill("BGR");
  await told.getByLabel("range").fill("[0, 255]");
  await told.getByLabel("resize").fill("sideways");
  await told.getByRole("button", { name: "Tell it so" }).click();
  await page.getByText("onnx.resize must be").waitFor();
  await told.getByLabel("resize").fill("letterbox_top_left");
  await told.getByRole("button", { name: "Tell it so" }).click();
  await until("told", async () => (await api("GET", `/api/model/version/${version.id}`)).parameters.onnx?.colour === "BGR");
  await page.getByTestId("try").getByRole("img", { name: "1 shape" }).waitFor();
  await until("nothing is missing", async () => (await told.getByText("must be told").count()) === 0);
  await b.shot("brought-told");
  const look = await api("GET", `/api/model/version/${version.id}/look`);
  assert.equal(look.problem, null);
  assert.deepEqual(look.description.range, [0, 255]);
});

test("a model and the file in which its tensors lie are dropped together", async () => {
  const folder = mkdtempSync(join(tmpdir(), "saccade-elsewhere-"));
  const two = spawnSync("python3", ["-B", "-c", `
import sys
from onnx_file import model, packed
rows = [[[0.0] * 84 for _ in range(6)]]
open(sys.argv[1] + "/v8.onnx.data", "wb").write(packed(rows))
open(sys.argv[1] + "/v8.onnx", "wb").write(model({"images": ("float32", [1, 3, 64, 64])}, {"output0": ("float32", [1, 6, 84])}, [("output0", rows, "float32", "v8.onnx.data")]))
`, folder], { cwd: new URL("../client", import.meta.url).pathname, encoding: "utf8" });
  assert.equal(two.status, 0, two.stderr);
  const other = await api("POST", `/api/model/${model.id}/versions`, { name: "two", type: "OBJECT_DETECTION", framework: "ONNX", labels: { 0: "red", 1: "blue" } });
  await b.open(`/model-versions/${other.id}`);
  const input = page.getByTestId("files").locator("..").locator("input[type=file]").first();
  await input.setInputFiles(join(folder, "v8.onnx"));
  await told.getByText("missing").first().waitFor();
  await b.shot("brought-lacking");
  await input.setInputFiles(join(folder, "v8.onnx.data"));
  await told.getByText("a detector of the YOLO kind").first().waitFor();
  const third = await api("POST", `/api/model/${model.id}/versions`, { name: "three", type: "OBJECT_DETECTION", framework: "ONNX", labels: { 0: "red", 1: "blue" } });
  await b.open(`/model-versions/${third.id}`);
  const dropped = await page.evaluateHandle(([x, y]) => {
    const t = new DataTransfer();
    for (const [name, held] of [["v8.onnx.data", x], ["v8.onnx", y]]) t.items.add(new File([Uint8Array.from(atob(held), (c) => c.charCodeAt(0))], name));
    return t;
  }, ["v8.onnx.data", "v8.onnx"].map((n) => readFileSync(join(folder, n)).toString("base64")));
  await page.getByTestId("files").dispatchEvent("drop", { dataTransfer: dropped });
  await told.getByText("a detector of the YOLO kind").first().waitFor();
  await b.shot("brought-both");
  const stored = await api("GET", `/api/model/version/${third.id}/modelfiles`);
  assert.deepEqual(stored.items.map((f) => f.name).sort(), ["model-latest", "v8.onnx.data"]);
});

/** Annotated where the network always says its one thing, as another label than it calls it. */
const pictures = images(2, 14);
const { dataset, version: annotated } = await annotatedVersion(pictures, { annotate: false });
const coco = {
  images: pictures.map((p, id) => ({ id, file_name: basename(p), width: 640, height: 480 })),
  annotations: pictures.map((_, id) => ({ id: id + 1, image_id: id, category_id: 0, bbox: [64, 64, 256, 128], area: 32768, iscrowd: 0, segmentation: [] })),
  categories: [{ id: 0, name: "red" }, { id: 1, name: "blue" }],
};
const form = new FormData();
form.append("mode", "KEEP");
form.append("files", new Blob([JSON.stringify(coco)]), "coco.json");
const { job } = await api("POST", `/api/dataset/version/${annotated.id}/annotations/import`, form);
await until("the annotations", async () => (await api("GET", `/api/v2/job/${job.id}`)).status === "SUCCEEDED");
const evidence = page.getByTestId("evidence");
const shot = async (name) => (await evidence.evaluate((x) => x.scrollIntoView()), await b.shot(name));

test("annotated images tell how the file must be described, and a person takes it", async () => {
  await api("PATCH", `/api/model/version/${version.id}`, { parameters: {} });
  await b.open(`/model-versions/${version.id}`);
  await evidence.getByLabel("Dataset of the images").fill(dataset.name);
  await page.getByRole("option", { name: dataset.name }).click();
  await evidence.getByLabel("Version of the images").click();
  await page.getByRole("option", { name: /12 images/ }).click();
  await evidence.getByRole("button", { name: "Find it out" }).click();
  await evidence.getByText(/^Found: /).waitFor({ timeout: 60_000 });
  await evidence.getByText("cannot decide").waitFor(); // what always says the same knows no colours
  assert.equal((await api("GET", `/api/model/version/${version.id}`)).parameters.onnx, undefined);
  await evidence.getByRole("button", { name: "Put it into the form" }).click();
  assert.equal(await told.getByLabel("resize").inputValue(), "letterbox_top_left");
  assert.equal(await told.getByLabel("background").count(), 0, "what is readable without a column for nothing has none");
  await shot("brought-found");
  await told.getByRole("button", { name: "Tell it so" }).click();
  await until("told", async () => (await api("GET", `/api/model/version/${version.id}`)).parameters.onnx?.resize === "letterbox_top_left");
});

test("labels in another order are told, and put right by a click", async () => {
  await evidence.getByText(/class 1, called "blue", behaves like "red"/i).waitFor();
  await evidence.getByRole("table").waitFor();
  const { violations } = await page.evaluate(() => window.axe?.run(document, { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa"] }, resultTypes: ["violations"] }) ?? { violations: [] });
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)}`), []);
  await shot("brought-labels");
  await evidence.getByRole("button", { name: "Put the labels into that order" }).click();
  await until("the labels", async () => (await api("GET", `/api/model/version/${version.id}`)).labels[1] === "red");
});

test("of two descriptions that are as good the person picks", async () => {
  await page.route(/\/evidence$/, async (route) => {
    const answer = await (await route.fetch()).json();
    const r = answer.evidence.result;
    const second = { ...r.best, score: 0.93, onnx: { ...r.best.onnx, colour: "BGR" } };
    Object.assign(r, { state: "UNCLEAR", says: "its AP is 0.950 on 12 images, not clearly before the next best, 0.930 (ahead in 71.2 % of the resamples)", second, differ: ["colour"] });
    await route.fulfill({ json: answer });
  });
  await b.open(`/model-versions/${version.id}`);
  await evidence.getByText("which is it?").waitFor();
  await shot("brought-unclear");
  await evidence.getByRole("button", { name: "Put it into the form" }).nth(1).click();
  assert.equal(await told.getByLabel("colour").inputValue(), "BGR");
  await page.unroute(/\/evidence$/);
});

test("a search without annotated images says why it failed", async () => {
  const { dataset: bare, version: none } = await annotatedVersion(images(0, 2), { annotate: false });
  await api("POST", `/api/model/version/${version.id}/describe`, { dataset_version_id: none.id });
  await b.open(`/model-versions/${version.id}`);
  await evidence.getByText("0 images of the dataset version").waitFor({ timeout: 30_000 });
  await evidence.getByRole("button", { name: "Try again" }).waitFor();
  assert.ok(bare);
  await shot("brought-failed");
});

test("nothing on these pages complained but of what was refused", () => assert.deepEqual(b.problems.filter((p) => !/4(00|22)/.test(p)), []));
