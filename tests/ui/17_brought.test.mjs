import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { api, browser, images, org, test, unique, until } from "./fixture.mjs";

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
  assert.equal(await told.getByText("must be told").count(), 0);
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

test("nothing on these pages complained but of what was refused", () => assert.deepEqual(b.problems.filter((p) => !/4(00|22)/.test(p)), []));
