import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { api, browser, images, org, test, unique, until } from "./fixture.mjs";

const file = join(mkdtempSync(join(tmpdir(), "saccade-readings-")), "yolox.onnx");
const made = spawnSync("python3", ["-B", "-c", `
import sys
from onnx_file import model
rows = [[0.0] * 7 for _ in range(84)]
rows[40] = [19.2, 12.8, 25.6, 12.8, 0.9, 0, 1.0]
open(sys.argv[1], "wb").write(model({"images": ("float32", [1, 3, 64, 64])}, {"output": ("float32", [1, 84, 7])}, [("output", [rows], "float32")]))
`, file], { cwd: new URL("../client", import.meta.url).pathname, encoding: "utf8" });
assert.equal(made.status, 0, made.stderr);

const b = await browser();
const { page } = b;

test("where a file can be read in more than one way, the image is drawn as each says, and the person picks", async () => {
  const model = await api("POST", `/api/organization/${org}/models`, { name: unique("readings") });
  const version = await api("POST", `/api/model/${model.id}/versions`, { name: "one", type: "OBJECT_DETECTION", framework: "ONNX", labels: { 0: "red", 1: "blue" } });
  await b.open(`/model-versions/${version.id}`);
  await page.getByTestId("files").locator("..").locator("input[type=file]").first().setInputFiles(file);
  const readings = page.getByTestId("readings");
  await readings.waitFor();
  await readings.locator("input[type=file]").setInputFiles(images(1, 2)[0]);
  const pick = async (question, text, ways) => {
    await readings.getByText(question).waitFor();
    assert.equal(await readings.getByTestId("way").count(), ways);
    await until("all are drawn", async () => (await readings.getByText("1 shape, the surest 0.9").count()) === ways);
    await b.shot(`readings-${ways}`);
    await readings.getByTestId("way").filter({ hasText: text }).getByRole("button", { name: "This one" }).click();
  };
  await pick("What are the numbers of a pixel?", "0 to 255", 3);
  await pick("How is the picture fitted in?", "at the top left", 4);
  await pick("What is the order of the colours?", "blue first", 2);
  await until("told", async () => (await api("GET", `/api/model/version/${version.id}`)).parameters.onnx?.colour === "BGR");
  const { parameters } = await api("GET", `/api/model/version/${version.id}`);
  assert.deepEqual(parameters.onnx, { range: [0, 255], resize: "letterbox_top_left", colour: "BGR" });
  await readings.waitFor({ state: "detached" });
  assert.deepEqual(b.problems, []);
});
