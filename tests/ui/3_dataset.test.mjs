import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { annotatedVersion, api, browser, images, until, vocOf, test } from "./fixture.mjs";

const paths = images(0, 8);
const { version, dataset } = await annotatedVersion(paths, { annotate: false });
const b = await browser();
const { page } = b;

test("annotation files are imported, with progress, and their shapes show on the images", async () => {
  await b.open(`/versions/${version.id}`);
  await page.getByRole("gridcell").nth(7).waitFor();
  await b.shot("version-unannotated");
  await page.getByRole("button", { name: "Annotations" }).click();
  await page.getByRole("menuitem", { name: "Import" }).click();
  await page.locator("input[type=file]").last().setInputFiles(paths.map(vocOf));
  await b.shot("import");
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await page.getByText("Success", { exact: true }).waitFor();
  await b.shot("import-done");
  await page.getByRole("button", { name: "Close" }).last().click();
  await page.locator(".tile svg.boxes rect").first().waitFor({ state: "attached" });
  await b.shot("version");
  const stats = await api("GET", `/api/dataset/version/${version.id}/stats`);
  const boxes = paths.map((p) => readFileSync(vocOf(p), "utf8").split("<object>").length - 1).reduce((x, y) => x + y, 0);
  assert.equal(stats.nb_objects, boxes);
});

test("analytics count objects by label and by image; a bar leads to its images", async () => {
  await page.getByRole("tab", { name: "Analytics" }).click();
  await page.getByRole("img", { name: "Chart: Objects by label" }).locator("canvas").waitFor();
  await page.getByRole("img", { name: "Chart: Objects by image" }).locator("canvas").waitFor();
  await page.waitForTimeout(300);
  await b.shot("analytics");
  const box = await page.getByRole("img", { name: "Chart: Objects by label" }).boundingBox();
  await page.mouse.click(box.x + 100, box.y + 24);
  await page.waitForURL(/q=annotations/);
  await page.getByText(/images? found/).waitFor();
});

test("labels are added and renamed, the version is described and locked", async () => {
  await page.getByRole("tab", { name: "Settings" }).click();
  await page.getByLabel("New label").fill("parasite, artefact");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByText("artefact", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Rename parasite" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("plasmodium");
  await page.getByRole("button", { name: "Rename", exact: true }).click();
  await page.getByText("plasmodium", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Delete artefact" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText("artefact", { exact: true }).waitFor({ state: "detached" });
  await b.shot("version-settings");
  const labels = (await api("GET", `/api/dataset/version/${version.id}/labels`)).items.map((l) => l.name);
  assert.ok(labels.includes("plasmodium") && !labels.includes("artefact") && !labels.includes("parasite"), labels.join());
  const lock = page.getByRole("switch", { name: /Locked/ });
  await page.getByRole("dialog").waitFor({ state: "detached" }); /* a closing dialog still catches the pointer */
  await lock.press("Space");
  await page.getByText("Locked", { exact: true }).waitFor();
  await lock.press("Space");
  await until("the lock to be off", async () => (await api("GET", `/api/dataset/version/${version.id}`)).locked === false);
});

test("annotations are exported as COCO", async () => {
  await page.getByRole("button", { name: "Annotations" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "Export as COCO" }).click()]);
  await page.getByText(/shapes of 8 images/).waitFor();
  const coco = JSON.parse(readFileSync(await download.path(), "utf8"));
  assert.equal(coco.images.length, 8);
  const stats = await api("GET", `/api/dataset/version/${version.id}/stats`);
  assert.equal(coco.annotations.length, stats.nb_objects);
});

test("the dataset shows its versions as cards with their distribution", async () => {
  await b.open(`/datasets/${dataset.id}`);
  await page.getByText("8 images").waitFor();
  await page.getByRole("img", { name: /red_cell|platelet/ }).waitFor();
  await b.shot("dataset");
  await b.open("/datasets");
  await page.getByText(dataset.name).waitFor();
  await b.shot("datasets");
});

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
