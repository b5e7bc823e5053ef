import assert from "node:assert/strict";
import { annotatedVersion, api, browser, images, listener, predict, project, trained, unique, until, url, test } from "./fixture.mjs";

const { version } = await annotatedVersion(images(0, 12));
const experiment = await trained((await project([version])).id, version, "for production");
const b = await browser();
const { page } = b;
const name = unique("cell counter");
let deployment = "";

test("a trained network becomes a model, with its lineage", async () => {
  await b.open(`/experiments/${experiment.id}`);
  await page.getByRole("button", { name: "Export as model" }).click();
  await page.getByLabel("Name of the model").fill(name);
  await page.getByRole("button", { name: "Export", exact: true }).click();
  await page.waitForURL(/model-versions\//);
  await page.getByRole("link", { name: /for production/ }).waitFor();
  await page.getByText("model-latest", { exact: true }).waitFor();
  const v = await api("GET", `/api/model/version/${new URL(page.url()).pathname.split("/")[2]}`);
  assert.ok(Object.values(v.labels).length >= 2, JSON.stringify(v.labels));
  await b.shot("model-version");
});

test("it is deployed with a threshold", async () => {
  await page.getByRole("button", { name: "Deploy", exact: true }).click();
  const threshold = page.locator("input[name=threshold]");
  await threshold.fill("0.01");
  await threshold.blur();
  await page.getByText(/scored best on the evaluation images/).waitFor();
  await b.shot("deploy");
  await page.getByRole("dialog").getByRole("button", { name: "Deploy", exact: true }).click();
  await page.waitForURL(/deployments\//);
  deployment = new URL(page.url()).pathname.split("/")[2];
  await page.getByTestId("champion").getByText(`${name} / `).waitFor();
  const how = page.getByText("Nothing yet. Send it an image:");
  await how.waitFor();
  assert.ok((await how.boundingBox()).y < 500, "how to begin is seen at once, not below panels that are empty");
  assert.equal((await api("GET", `/api/deployment/${deployment}`)).min_threshold, 0.01);
  await b.shot("deployment-empty");
});

test("what the API is asked appears on the dashboard without a reload", async () => {
  for (const [i, path] of images(12, 16).entries()) await predict(deployment, path, i % 2 ? "line-2" : "line-1");
  const last = page.locator("a[href*='/review/'][href*='asset=']");
  await last.nth(3).waitFor();
  await page.getByRole("img", { name: "Chart: Latency" }).locator("canvas").waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll("a[href*='/review/'] img")].every((i) => i.complete && i.naturalWidth > 0));
  await b.shot("dashboard");
  assert.equal(await last.count(), 4);
});

test("the predictions grid shows and finds them", async () => {
  await page.getByRole("tab", { name: /Predictions/ }).click();
  await page.getByText("4 predictions").waitFor();
  await page.getByRole("gridcell").nth(3).waitFor();
  await b.shot("predictions");
  await page.getByRole("combobox", { name: "Query" }).fill('source = "line-2"');
  await page.keyboard.press("Enter");
  await page.getByText("2 predictions").waitFor();
  await page.getByRole("combobox", { name: "Query" }).fill("");
  await page.keyboard.press("Enter");
  await page.getByText("4 predictions").waitFor();
  await page.getByText("In the loop", { exact: true }).click();
  await page.getByText("None of these").waitFor();
});

test("its model is tried on an image, which is not kept", async () => {
  await page.getByRole("tab", { name: "Try" }).click();
  const choose = (path) => page.getByTestId("try").locator("..").locator("input[type=file]").first().setInputFiles(path);
  await choose(images(16, 17)[0]);
  const said = page.getByTestId("try");
  await said.getByRole("img", { name: /shapes?$/ }).waitFor();
  await said.getByText(/ms: decoding/).waitFor();
  await page.getByRole("button", { name: "Make a token for it" }).click();
  const command = await page.locator("pre").filter({ hasText: "/predict" }).filter({ hasNotText: "$TOKEN" }).textContent();
  assert.match(command, /Bearer [^ $"]{20,}/);
  assert.equal((await api("GET", `/api/deployment/${deployment}/predictedassets`)).count, 4);
  await choose({ name: "no.jpg", mimeType: "image/jpeg", buffer: Buffer.from("no image") });
  await said.getByRole("alert").waitFor();
});

test("paused it answers nobody, resumed it does", async () => {
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume" }).waitFor();
  await assert.rejects(predict(deployment, images(16, 17)[0]), / 4\d\d | 503 /);
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await predict(deployment, images(16, 17)[0]);
  await until("the fifth", async () => (await api("GET", `/api/deployment/${deployment}/predictedassets`)).count === 5);
});

test("a token of the deployment is shown once, predicts, and is revoked", async () => {
  await b.open(`/deployments/${deployment}?tab=settings&part=tokens`);
  await page.getByRole("button", { name: "New token" }).click();
  await page.getByLabel("Name").fill("camera 7");
  await page.getByRole("dialog").getByRole("button", { name: "Make" }).click();
  const secret = (await page.locator("pre").textContent()).trim();
  const asks = () => fetch(`${url}/v2/models/${deployment}/ready`, { headers: { Authorization: `Bearer ${secret}` } });
  assert.equal((await asks()).status, 200);
  await b.shot("tokens");
  await b.open(`/deployments/${deployment}?tab=settings&part=tokens`);
  await page.getByText("camera 7").waitFor();
  assert.equal(await page.getByText(secret).count(), 0);
  await page.getByRole("button", { name: "Revoke camera 7" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByText("camera 7", { exact: true }).waitFor({ state: "detached" });
  assert.equal((await asks()).status, 401);
});

test("what happens while a page opens is not lost: after the page has asked, before it listens", async () => {
  let listen = () => {};
  const asked = new Promise((r) => (listen = r));
  await page.route("**/api/events?*", async (route) => {
    await asked;
    await route.continue();
  });
  await b.open(`/deployments/${deployment}`);
  await page.getByRole("button", { name: "Pause" }).waitFor();
  const other = await listener(`deployment:${deployment}`);
  await api("POST", `/api/deployment/${deployment}/pause`);
  await other.heard();
  listen();
  await page.getByRole("button", { name: "Resume" }).waitFor();
  await page.unroute("**/api/events?*");
  await other.close();
});

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
