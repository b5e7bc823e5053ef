import assert from "node:assert/strict";
import { annotatedVersion, api, browser, choose, images, org, unique, until, test } from "./fixture.mjs";

const { version, dataset } = await annotatedVersion(images(0, 12));
// Some boxes are drawn twice, which a training finds out however short it is.
for (const { annotation } of (await api("GET", `/api/dataset/version/${version.id}/assets?annotations=true&limit=4`)).items) {
  const { x, y, w, h, label_id } = annotation.rectangles.find((r) => r.w > 30 && r.h > 30);
  await api("POST", `/api/annotation/${annotation.id}/bulk-rectangles`, { rectangles: [{ x, y, w, h, label_id }] });
}
const b = await browser();
const { page } = b;
const name = unique("counting");
let home = "";
const experimentOf = () => api("GET", `/api/experiment/${new URL(page.url()).pathname.split("/")[2]}`);

async function fill(values) {
  for (const [k, v] of Object.entries(values)) {
    const field = page.locator(`input[name="${k}"]`);
    await field.fill(String(v));
    await field.blur();
  }
}

test("a project is made and a dataset version attached", async () => {
  await b.open("/projects");
  await page.getByRole("button", { name: "New project" }).first().click();
  await page.getByRole("dialog").getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.waitForURL(/projects\/[0-9a-f-]{36}$/);
  home = new URL(page.url()).pathname;
  await page.getByRole("button", { name: "Attach" }).click();
  await choose(page, "Dataset", dataset.name);
  await choose(page, "Version", version.version);
  await page.getByRole("dialog").getByRole("button", { name: "Attach", exact: true }).click();
  await page.getByRole("button", { name: `Detach ${dataset.name} / ${version.version}` }).waitFor();
  await b.shot("project-empty");
  const made = (await api("GET", `/api/organization/${org}/projects?limit=100`)).items.find((p) => p.name === name);
  assert.ok(made && home.endsWith(made.id), "the project is the one on the page");
  assert.deepEqual((await api("GET", `/api/project/${made.id}/datasets`)).items.map((v) => v.id), [version.id]);
});

test("the form shows what the chosen model is, and marks values that cannot be", async () => {
  await b.open(`${home}/new`);
  await page.locator("input[name=steps]").waitFor();
  const hub = (await api("GET", "/api/models?limit=100")).items;
  const other = hub.find((m) => m.type === "CLASSIFICATION") ?? hub[1];
  await page.getByLabel(`About ${hub[0].name}`).getByText(hub[0].description).waitFor();
  await choose(page, "Model", other.name);
  await page.getByLabel(`About ${other.name}`).getByText(other.description).waitFor();
  await choose(page, "Model", hub[0].name);
  await page.getByLabel("Name", { exact: true }).fill("out of range");
  await fill({ image_size: 100 });
  await page.getByText("0, or a multiple of 32 from 64 on").waitFor();
  await fill({ batch_size: 1000 });
  await page.getByText("0 to 256").waitFor();
  assert.ok(await page.getByRole("button", { name: "Create and launch" }).isDisabled());
  await b.shot("new-experiment-wrong");
});

test("an experiment of the hub's model is launched; curves and console grow while it learns", async () => {
  await b.open(`${home}/new`);
  await page.locator("input[name=steps]").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("first try");
  await page.getByRole("button", { name: /Show all \d+ parameters/ }).click();
  await fill({ steps: 16, batch_size: 4, image_size: 96, eval_every: 4 });
  await b.shot("new-experiment");
  await page.getByRole("button", { name: "Create and launch" }).click();
  await page.waitForURL(/experiments\/[0-9a-f-]{36}$/);
  const e = await experimentOf();
  assert.equal(e.parameters.steps, 16);
  assert.equal(e.parameters.image_size, 96);
  // No reload from here on: what appears was told by the server.
  await page.locator("[data-log]").getByRole("img", { name: /Chart: .*loss/i }).first().locator("canvas").waitFor({ timeout: 90_000 });
  await b.shot("experiment-live");
  await page.getByRole("tab", { name: "Console" }).click();
  await page.locator("pre.console").getByText(/step/i).first().waitFor({ timeout: 60_000 });
  await b.shot("console");
  await page.getByRole("button", { name: "Export as model" }).waitFor({ timeout: 120_000 });
  assert.equal((await experimentOf()).status, "SUCCESS");
  await page.getByRole("tab", { name: "Logs" }).click();
  await page.locator("[data-log*=mAP]").first().waitFor();
  await b.shot("experiment");
});

test("what was wrong with it is told, and a suspicious annotation opens where it is corrected", async () => {
  await page.getByLabel("Diagnosis").getByText(/little evaluation|too little data/).first().waitFor();
  const doubts = page.getByLabel("Suspicious annotations");
  await doubts.scrollIntoViewIfNeeded();
  await doubts.getByText("annotated twice").first().waitFor();
  await b.shot("experiment-findings");
  const back = page.url();
  await doubts.getByRole("link").first().click();
  await page.waitForURL(/annotate\/[0-9a-f-]{36}\?asset=/);
  await page.locator("canvas").first().waitFor();
  await b.open(new URL(back).pathname);
});

test("its files are listed and can be fetched", async () => {
  await page.getByRole("tab", { name: "Artifacts" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download model-latest" }).click()]);
  assert.match(download.suggestedFilename(), /\.onnx$/);
  assert.ok(await download.path());
  await b.shot("artifacts");
});

test("another one like it is cancelled while it runs", async () => {
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "New experiment like this" }).click();
  await page.locator("input[name=steps]").waitFor();
  await until("the parameters of the first", async () => (await page.locator("input[name=image_size]").inputValue()) === "96");
  await page.getByLabel("Name", { exact: true }).fill("far too long");
  await fill({ steps: 500000 }); // so many that it does not stop by itself before it is cancelled
  await page.getByRole("button", { name: "Create and launch" }).click();
  await page.waitForURL(/experiments\/[0-9a-f-]{36}$/);
  await page.locator("[data-log]").getByRole("img", { name: /Chart: .*loss/i }).first().waitFor({ timeout: 90_000 });
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel the training" }).click();
  await page.getByText("Cancelled", { exact: true }).first().waitFor({ timeout: 30_000 });
  const e = await experimentOf();
  assert.equal(e.status, "CANCELED");
  await until("the job's end", async () => /KILLED|FAILED|SUCCEEDED/.test((await api("GET", `/api/v2/job/${e.job_id}`)).status), 40);
  await b.open(home);
  await page.getByRole("link", { name: "far too long" }).waitFor();
  await b.shot("project");
});

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
