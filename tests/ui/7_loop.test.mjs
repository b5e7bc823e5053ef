import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { annotatedVersion, api, board as boardOf, brief, browser, choose, images, predict, project, trained, unique, until, test } from "./fixture.mjs";

const { version, dataset } = await annotatedVersion(images(0, 12));
const lab = await project([version]);
const first = await trained(lab.id, version, "first");
const model = await api("POST", `/api/experiment/${first.id}/publish`, { name: unique("cell counter") });
const deployment = await api("POST", `/api/model/version/${model.id}/deploy`, { name: unique("line"), min_threshold: 0.3 });
const feedback = await api("POST", `/api/dataset/${dataset.id}/versions`, { version: "feedback", description: "from production", type: "OBJECT_DETECTION" });
for (const path of images(12, 15)) await predict(deployment.id, path);
const b = await browser();
const { page } = b;
const board = boardOf(page);
const pipelines = () => api("GET", `/api/deployment/${deployment.id}/pipelines`);
const on = async (name) => {
  await page.getByRole("switch", { name }).click({ force: true });
  await page.waitForFunction((n) => [...document.querySelectorAll("input[role=switch]")].some((i) => i.getAttribute("aria-label") === n && i.checked), name);
};
const part = (name) => page.getByRole("navigation", { name: "Settings" }).getByRole("button", { name, exact: true }).click();

test("feedback loop, continuous training and deployment are set up by clicking", async () => {
  await b.open(`/deployments/${deployment.id}?tab=settings`);
  await b.shot("deployment-settings");
  await part("Feedback loop");
  await choose(page, "Dataset of the feedback loop", dataset.name);
  await choose(page, "Version of the feedback loop", /^feedback/);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Feedback loop saved").waitFor();
  if (!(await pipelines()).fl?.active) await on("Feedback loop");
  await b.shot("settings-feedback");

  await part("Continuous training");
  await choose(page, "Project", lab.name);
  await page.locator("input[name=threshold]").fill("1");
  await choose(page, "Dataset of train", dataset.name);
  await choose(page, "Version of train", /^train/);
  await page.getByRole("button", { name: "Learn from it, too" }).click();
  await page.getByRole("button", { name: /^Show all/ }).click();
  for (const [k, v] of Object.entries(brief)) await page.locator(`input[name="${k}"]`).fill(String(v));
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Continuous training saved").waitFor();
  if (!(await pipelines()).ct?.active) await on("Continuous training");
  await b.shot("settings-training");

  await part("Continuous deployment");
  await page.getByRole("radio", { name: /Run it as shadow/ }).click();
  await page.getByText("Policy saved").waitFor();
  if (!(await pipelines()).cd?.active) await on("Continuous deployment");
  await b.shot("settings-delivery");
  const p = await pipelines();
  assert.deepEqual([p.fl.active, p.ct.active, p.cd.active], [true, true, true]);
  assert.equal(p.ct.threshold, 1);
  for (const [k, v] of Object.entries(brief)) assert.equal(p.ct.parameters[k], v, k);
  assert.equal(p.cd.policy, "DEPLOY_SHADOW");
  assert.equal(p.fl.datasets[0].id, feedback.id);
});

test("a prediction is corrected in the review tool and sent to the loop", async () => {
  await b.open(`/deployments/${deployment.id}?tab=predictions`);
  await page.getByRole("button", { name: "Review 3" }).click();
  await page.waitForURL(/review\/.*asset=/);
  await board.ready();
  const asset = new URL(page.url()).searchParams.get("asset");
  const before = (await board.shapes()).length;
  await page.keyboard.press("b");
  await page.getByRole("button", { name: /^Label red_cell/ }).click();
  await board.drag(210, 160, 290, 240);
  await until("the drawn box", async () => (await board.shapes()).length === before + 1);
  await b.shot("review");
  await page.getByRole("button", { name: "Save review" }).click();
  await page.getByRole("button", { name: "Send 1 to the loop" }).waitFor();
  await page.keyboard.press("u");
  await until("the image again", async () => new URL(page.url()).searchParams.get("asset") === asset && (await board.shapes()).length === before + 1);
  await until("it waits again", async () => (await api("GET", `/api/predicted/asset/${asset}`)).status === "TO_REVIEW");
  await page.getByRole("button", { name: "Save review" }).click();
  await page.getByRole("button", { name: "Send 1 to the loop" }).click();
  await page.getByText("1 sent to the feedback loop").waitFor();
  const reviewed = (await api("GET", `/api/deployment/${deployment.id}/predictedassets?limit=100`)).items.find((a) => a.id === asset);
  assert.equal(reviewed.status, "SUBMITTED");
  assert.equal(reviewed.review.shapes.length, before + 1);
  assert.ok(reviewed.review.shapes.some((s) => s.label === "red_cell" && Math.abs(s.x - 210) <= 2 && Math.abs(s.w - 80) <= 2), JSON.stringify(reviewed.review.shapes));
  const kept = await until("the image in the dataset", async () => (await api("GET", `/api/dataset/version/${feedback.id}/assets?annotations=true`)).items[0]);
  assert.equal(kept.annotation.rectangles.length, before + 1);
});

test("a training starts by itself, and its model comes as shadow", async () => {
  await b.open(`/deployments/${deployment.id}`);
  await page.getByTestId("shadow").waitFor({ timeout: 120_000 });
  const d = await api("GET", `/api/deployment/${deployment.id}`);
  assert.notEqual(d.shadow_model_version.id, model.id);
  assert.equal(d.model_version.id, model.id, "the champion has not changed");
  const experiments = (await api("GET", `/api/project/${lab.id}/experiments?limit=100`)).items;
  assert.equal(experiments.length, 2, "one training was made by the loop");
  await predict(deployment.id, images(15, 16)[0]);
  await until("the shadow's prediction", async () => (await api("GET", `/api/deployment/${deployment.id}/predictedassets?limit=100`)).items.some((a) => a.shadow));
  await page.getByRole("link", { name: "All 4" }).waitFor();
  await b.shot("dashboard-shadow");
});

test("the shadow is promoted by clicking", async () => {
  const shadow = (await api("GET", `/api/deployment/${deployment.id}`)).shadow_model_version.id;
  await page.getByRole("button", { name: "Promote" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Promote" }).click();
  await page.getByTestId("shadow").waitFor({ state: "detached" });
  await page.locator(`[data-testid=champion][href$="${shadow}"]`).waitFor();
  const d = await api("GET", `/api/deployment/${deployment.id}`);
  assert.equal(d.model_version.id, shadow);
  assert.equal(d.shadow_model_version, null);
});

test("an image that models are measured on is left out of the loop, unless somebody says so", async () => {
  const { version: held } = await annotatedVersion(images(17, 18), { version: "held", dataset });
  await api("POST", `/api/deployment/${deployment.id}/ct/datasets`, { name: "test", dataset_version_id: held.id });
  const asset = await predict(deployment.id, images(17, 18)[0]);
  await b.open(`/review/${deployment.id}?q=${encodeURIComponent('status = "TO_REVIEW"')}`);
  await board.ready();
  const before = (await api("GET", `/api/dataset/version/${feedback.id}`)).nb_assets;
  await b.open(`/review/${deployment.id}?asset=${asset.predicted_asset_id ?? asset.id}`);
  await board.ready();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /Send \d+ to the loop/ }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("1 image left out").waitFor();
  await b.shot("loop-left-out");
  assert.equal((await api("GET", `/api/dataset/version/${feedback.id}`)).nb_assets, before);
  await dialog.getByRole("button", { name: "Send it nevertheless" }).click();
  await until("the image in the dataset", async () => (await api("GET", `/api/dataset/version/${feedback.id}`)).nb_assets === before + 1);
});

test("reviews decide about a shadow by themselves, once that is switched on", async () => {
  const path = `/api/deployment/${deployment.id}`;
  await until("no training is under way, whose model would be the shadow", async () => (await api("GET", `${path}/pipelines`)).ct.runs.every((r) => r.state !== "RUNNING"), 60);
  await b.open(`/deployments/${deployment.id}?tab=settings&part=training`);
  await page.getByTestId("run-says").getByText(/it learns from .*\(train\).*\(feedback\)/).first().scrollIntoViewIfNeeded();
  await b.shot("trainings-so-far");
  await api("PUT", `${path}/pipeline/ct`, { active: false });
  const champion = (await api("GET", path)).model_version;
  const [other] = (await api("GET", `/api/model/${champion.origin.id ?? champion.origin_id}/versions`)).items.filter((v) => v.id !== champion.id);
  await api("POST", `${path}/shadow`, { model_version_id: other.id });
  await b.open(`/deployments/${deployment.id}?tab=settings&part=deployment`);
  await page.getByRole("switch", { name: "A shadow that is better takes over by itself" }).click({ force: true });
  await until("promoting is on", async () => (await api("GET", `${path}/gate`)).promotes);
  await page.getByLabel("Reviews before the first look").fill("10");
  await page.keyboard.press("Tab");
  await until("ten reviews are enough", async () => (await api("GET", `${path}/gate`)).reviews === 10);
  await b.shot("gate");
  const label = (await api("GET", `${path}/labels`)).items[0];
  const raw = (n) => ({ detection_classes: Array(n).fill(0), detection_texts: Array(n).fill(label.name), detection_scores: Array(n).fill(0.9), detection_boxes: [[10, 10, 60, 60], [100, 100, 160, 160]].slice(0, n) });
  for (const [i, image] of images(0, 10).entries()) {
    const asked = { filename: `gate${i}.jpg`, content_type: "IMAGE/JPEG", width: 640, height: 480, latency: 0.01, raw_predictions: raw(2), shadow_raw_predictions: raw(1), shadow_latency: 0.01, image: readFileSync(image).toString("base64") };
    const a = await api("POST", `${path}/predictions`, asked);
    const boxes = asked.raw_predictions.detection_boxes.map(([y0, x0, y1, x1]) => ({ x: x0, y: y0, w: x1 - x0, h: y1 - y0, label_id: label.id }));
    await api("POST", `/api/predicted/asset/${a.id}/reviews`, { rectangles: boxes });
  }
  await b.open(`/deployments/${deployment.id}?since=all`);
  await page.getByText("Stays a shadow").waitFor();
  await page.getByText(/does not take over from .* on the same \d+ reviewed images/).waitFor();
  await b.shot("decisions");
});

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
