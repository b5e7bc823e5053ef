import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { annotatedVersion, api, browser, images, predict, project, trained, unique, test } from "./fixture.mjs";

const { version, dataset } = await annotatedVersion(images(0, 16));
const lab = await project([version]);
const long = { steps: 80, image_size: 160, eval_every: 20, mosaic: 0, learning_rate: 0.02, ema_decay: 0.9 };
const one = await trained(lab.id, version, "as it comes", long);
const two = await trained(lab.id, version, "a higher rate", { ...long, steps: 30, learning_rate: 0.04 });
const model = await api("POST", `/api/experiment/${one.id}/publish`, { name: unique("cell counter") });
const deployment = await api("POST", `/api/model/version/${model.id}/deploy`, { name: unique("line"), min_threshold: 0.3 });
for (const path of images(16, 22)) await predict(deployment.id, path);
const predicted = (await api("GET", `/api/deployment/${deployment.id}/predictedassets?limit=1`)).items[0];
const b = await browser();
const { page } = b;

test("two experiments are chosen in the table and compared", async () => {
  await b.open(`/projects/${lab.id}`);
  for (const name of ["as it comes", "a higher rate"]) await page.getByRole("row").filter({ hasText: name }).getByRole("checkbox").click({ force: true });
  await page.getByText("2 chosen").waitFor();
  await page.getByRole("button", { name: "Compare" }).click();
  const results = page.getByTestId("compare-results");
  await results.getByText(/mAP50$/).first().waitFor();
  assert.equal(await results.locator("thead th").count(), 3);
  assert.equal(await results.getByText(/mAP50$/).count(), 1); // the curve, not its last value besides
  await page.getByRole("img", { name: /Chart: .*loss/i }).first().locator("canvas").waitFor();
  await page.getByTestId("compare-parameters").getByRole("cell", { name: "0.04", exact: true }).waitFor();
  await page.getByTestId("compare-parameters").getByRole("cell", { name: "learning_rate", exact: true }).waitFor();
});

test("a trained model is tried, and the slider takes away what it is less sure of", async () => {
  await b.open(`/model-versions/${model.id}`);
  await page.getByTestId("try").locator("..").locator("input[type=file]").first().setInputFiles(images(22, 23)[0]);
  const shapes = page.getByTestId("try").getByRole("img", { name: /shapes?$/ });
  const count = async () => Number((await shapes.getAttribute("aria-label")).split(" ")[0]);
  await shapes.waitFor();
  const before = await count();
  assert.ok(before > 0);
  await b.shot("tried");
  await page.getByRole("slider", { name: "Threshold" }).focus();
  await page.keyboard.press("End");
  await page.getByText(/Nothing above it; \d+ shapes? below/).waitFor();
  assert.equal(await count(), 0);
});

const places = {
  home: "/",
  docs: "/docs",
  datalake: "/datalake",
  datasets: "/datasets",
  dataset: `/datasets/${dataset.id}`,
  version: `/versions/${version.id}`,
  analytics: `/versions/${version.id}?tab=analytics`,
  annotate: `/annotate/${version.id}`,
  projects: "/projects",
  project: `/projects/${lab.id}`,
  "new-experiment": `/projects/${lab.id}/new`,
  experiment: `/experiments/${one.id}`,
  console: `/experiments/${one.id}?tab=console`,
  compare: `/projects/${lab.id}/compare?ids=${one.id},${two.id}`,
  models: "/models",
  hub: "/models?tab=hub",
  "model-version": `/model-versions/${model.id}`,
  deployments: "/deployments",
  dashboard: `/deployments/${deployment.id}`,
  predictions: `/deployments/${deployment.id}?tab=predictions`,
  try: `/deployments/${deployment.id}?tab=try`,
  "deployment-settings": `/deployments/${deployment.id}?tab=settings&part=training`,
  review: `/review/${deployment.id}?asset=${predicted.id}`,
  jobs: "/jobs",
  settings: "/settings",
};

/** All that the page loads is there: no placeholder, no picture under way, no chart without its canvas. */
const still = () => {
  const shown = (e) => e.getClientRects().length > 0;
  return (
    !!document.querySelector("main h1, main .bench, main .page") &&
    ![...document.querySelectorAll(".mantine-Skeleton-root")].some(shown) &&
    [...document.querySelectorAll("main img")].every((i) => i.loading === "lazy" || i.complete) &&
    [...document.querySelectorAll(".chart")].every((c) => c.querySelector("canvas")) &&
    (!window.saccadeBoard || !document.querySelector("[data-testid=board]") || !window.saccadeBoard.state.loading)
  );
};

/** What WCAG 2 A and AA find wrong on the page: rule, how many, and the first one. */
const axe = readFileSync(createRequire(new URL("../../ui/package.json", import.meta.url)).resolve("axe-core/axe.min.js"), "utf8");
async function barriers(scheme) {
  await page.evaluate(axe);
  // In the dark only the colours are others.
  const runOnly = scheme === "light" ? { type: "tag", values: ["wcag2a", "wcag2aa"] } : { type: "rule", values: ["color-contrast"] };
  const { violations } = await page.evaluate((only) => window.axe.run(document, { runOnly: only, resultTypes: ["violations"] }), runOnly);
  return violations.map((v) => `${v.id} (${v.nodes.length}): ${v.nodes[0].html.slice(0, 160)}`);
}

for (const scheme of ["light", "dark"])
  for (const width of [1280, 1920])
    test(`every page is drawn in ${scheme} at ${width}`, async () => {
      await page.setViewportSize({ width, height: width === 1280 ? 800 : 1080 });
      await page.evaluate((s) => localStorage.setItem("saccade-scheme", s), scheme);
      const wide = [];
      const barred = {};
      for (const [name, path] of Object.entries(places)) {
        await b.open(path);
        await page.waitForFunction(still);
        assert.equal(await page.evaluate(() => document.documentElement.dataset.mantineColorScheme), scheme);
        assert.equal(await page.getByText("There is no such page").count(), 0, path);
        if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) wide.push(name);
        assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll("main img")].filter((i) => i.complete && !i.naturalWidth).map((i) => i.src)), [], `${path}: no broken pictures`);
        await b.shot(`${name}-${scheme}-${width}`);
        const found = width === 1280 ? await barriers(scheme) : [];
        if (found.length) barred[name] = found;
      }
      assert.deepEqual(barred, {}, "what keeps people out (WCAG 2 A and AA)");
      assert.deepEqual(wide, [], "pages that scroll sideways");
    });

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
