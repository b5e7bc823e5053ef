import assert from "node:assert/strict";
import { api, browser, choose, org, unique, test, until } from "./fixture.mjs";

const model = await api("POST", `/api/organization/${org}/models`, { name: unique("triggers") });
const version = await api("POST", `/api/model/${model.id}/versions`, { name: "one", type: "OBJECT_DETECTION", framework: "ONNX", labels: { 0: "cell" } });
const deployment = await api("POST", `/api/organization/${org}/deployments`, { name: unique("triggers"), model_version_id: version.id, min_threshold: 0 });
const project = await api("POST", `/api/organization/${org}/projects`, { name: unique("triggers") });
const dataset = await api("POST", `/api/organization/${org}/datasets`, { name: unique("triggers") });
const data = await api("POST", `/api/dataset/${dataset.id}/versions`, { version: "one", type: "OBJECT_DETECTION" });
const setUp = { project_id: project.id, training_type: "EXPERIMENT", trigger: "FEEDBACK_LOOP", threshold: 7 };
await api("POST", `/api/deployment/${deployment.id}/pipeline/ct`, setUp);
await api("POST", `/api/deployment/${deployment.id}/ct/datasets`, { dataset_version_id: data.id, name: "test" });
await api("POST", `/api/deployment/${deployment.id}/pipeline/cd`, { policy: "DEPLOY_SHADOW" });
const pipelines = () => api("GET", `/api/deployment/${deployment.id}/pipelines`);
const b = await browser();
const { page } = b;

test("what starts a training is one choice, with the figures that it needs", async () => {
  await b.open(`/deployments/${deployment.id}?tab=settings&part=training`);
  await page.getByLabel("New reviewed images").waitFor();
  await choose(page, "What starts a training", "A schedule");
  await choose(page, "When", "Every Sunday at");
  await page.getByLabel("Hour (UTC)").fill("5");
  await b.shot("trigger-schedule");
  await choose(page, "What starts a training", "A score that falls");
  await choose(page, "Score", "Recall");
  await page.getByLabel("Below", { exact: true }).fill("0.7");
  await page.getByLabel("Hours between two trainings").fill("12");
  await b.shot("trigger-score");
  await page.getByRole("button", { name: "Save" }).click();
  const now = await until("the trigger", async () => ((await pipelines()).ct.trigger === "METRIC" ? (await pipelines()).ct : null));
  assert.deepEqual([now.metric, now.below, now.reviews, now.threshold, now.rest_hours, now.hour], ["recall", 0.7, 50, 7, 12, null]);
});

test("a new model is tested on the version that the page shows, as surely as it says", async () => {
  await b.open(`/deployments/${deployment.id}?tab=settings&part=deployment`);
  await page.getByLabel("Test it beside the champion first").waitFor();
  await until("the version", async () => (await page.getByRole("textbox", { name: "Version of the test" }).inputValue()).startsWith("one"));
  const sure = page.getByLabel("With a confidence of").first();
  await sure.fill("90");
  await sure.blur();
  await b.shot("tested-first");
  const now = await until("the confidence", async () => ((await pipelines()).cd.confidence === 0.9 ? (await pipelines()).cd : null));
  assert.deepEqual([now.tests, now.tested_on.id, now.test_version], [true, data.id, null]);
  await page.getByLabel("Test it beside the champion first").click({ force: true }); // it moves once the server has said yes
  await until("the switch", async () => !(await pipelines()).cd.tests);
});
