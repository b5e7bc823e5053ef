import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { annotatedVersion, api, board, browser, images, org, saved, unique, until, test } from "./fixture.mjs";

// A model that runs elsewhere says of whole images what they show; Saccade keeps, shows, reviews and counts that.
const model = await api("POST", `/api/organization/${org}/models`, { name: unique("sorter"), description: "" });
const made = await api("POST", `/api/model/${model.id}/versions`, { name: "by hand", type: "CLASSIFICATION", labels: { 0: "good", 1: "scratched" } });
const deployment = await api("POST", `/api/model/version/${made.id}/deploy`, { name: unique("sorting line"), min_threshold: 0.5 });
const sent = images(9, 12);
for (const [i, path] of sent.entries())
  await api("POST", `/api/deployment/${deployment.id}/predictions`, {
    filename: basename(path), content_type: "image/jpeg", width: 640, height: 480, latency: 0.02, image: readFileSync(path).toString("base64"),
    raw_predictions: { detection_classes: [i % 2], detection_scores: [0.9 - 0.1 * i] },
  });
const b = await browser();
const { page } = b;

test("a prediction of a whole image is told by name and score", async () => {
  await b.open(`/deployments/${deployment.id}?tab=predictions`);
  await page.getByText("good 0.90").waitFor();
  await page.getByText("scratched 0.80").waitFor();
  await b.shot("classified-predictions");
});

test("a wrong label is corrected by a key, and the review counts", async () => {
  const first = (await api("GET", `/api/deployment/${deployment.id}/predictedassets?limit=10`)).items.find((a) => a.data.filename === basename(sent[1]));
  await b.open(`/review/${deployment.id}?asset=${first.id}`);
  await board(page).ready();
  await page.getByTestId("said").getByText("scratched 0.80").waitFor();
  assert.equal(await page.getByRole("button", { name: "Label scratched" }).getAttribute("aria-pressed"), "true");
  await page.keyboard.press("1");
  assert.equal(await page.getByRole("button", { name: "Label good" }).getAttribute("aria-pressed"), "true");
  assert.equal(await page.getByRole("button", { name: "Label scratched" }).getAttribute("aria-pressed"), "false");
  await b.shot("classified-review");
  await page.keyboard.press("Enter");
  const review = await until("the review", async () => (await api("GET", `/api/predicted/asset/${first.id}`)).reviews[0]);
  assert.deepEqual(review.classifications.map((c) => c.label.name), ["good"]);
  assert.equal(review.rectangles.length, 0);
});

test("what the model says right is accepted with one key, and the dashboard shows how often it is right", async () => {
  const next = (await api("GET", `/api/deployment/${deployment.id}/predictedassets?limit=10`)).items.find((a) => a.data.filename === basename(sent[0]));
  await b.open(`/review/${deployment.id}?asset=${next.id}`);
  await board(page).ready();
  await page.getByTestId("said").getByText("good 0.90").waitFor();
  await page.keyboard.press("Enter");
  await until("the review", async () => (await api("GET", `/api/predicted/asset/${next.id}`)).reviews[0]);
  await b.open(`/deployments/${deployment.id}?since=31536000`);
  const row = page.getByRole("row").filter({ hasText: "champion" });
  await row.getByText("0.500", { exact: true }).first().waitFor(); // one of two
  await page.getByTestId("few-reviews").getByText("2 of 30 reviews").waitFor();
  assert.equal(await page.getByText("Heatmap").count(), 0, "whole images have no place");
  await page.getByText(/^2 reviewed images. Rows: reviewed as/).waitFor();
  await b.shot("classified-dashboard");
  await page.getByTestId("confusion").getByRole("link", { name: "1" }).first().click(); // a cell opens its image, and no other
  await page.getByTestId("cell").getByText("Reviewed as good, predicted as").waitFor();
  await page.getByText(/^1 prediction/).waitFor();
});

test("a dashboard is narrowed in one place, which the link keeps", async () => {
  await b.open(`/deployments/${deployment.id}?since=31536000`);
  await page.getByRole("combobox", { name: "Query" }).fill("nb_shapes > 50");
  await page.keyboard.press("Enter");
  await page.getByTestId("looked-at").getByText("0 predictions").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("q"), "nb_shapes > 50");
  await page.reload();
  await page.getByTestId("looked-at").getByText("0 predictions").waitFor();
  await page.getByRole("button", { name: "Clear", exact: true }).click();
  await page.getByRole("link", { name: /^All \d/ }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get("q"), null);
});

test("images of a classification version are labelled by keys", async () => {
  const { version } = await annotatedVersion(images(0, 2), { annotate: false });
  await api("PATCH", `/api/dataset/version/${version.id}`, { type: "CLASSIFICATION" });
  for (const name of ["good", "scratched"]) await api("POST", `/api/dataset/version/${version.id}/labels`, { name });
  await b.open(`/annotate/${version.id}`);
  await board(page).ready();
  await page.keyboard.press("2");
  await saved(page);
  const asset = (await api("GET", `/api/dataset/version/${version.id}/assets?annotations=true`)).items.find((a) => a.annotation);
  assert.equal(asset.annotation.classifications.length, 1);
  await b.shot("classified-annotate");
});

test("nothing complained on the way", () => assert.deepEqual(b.problems, []));
