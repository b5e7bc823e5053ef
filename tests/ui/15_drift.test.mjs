// Drift on the dashboard: what it waits for, what drifted, and the way to the predictions behind a bar.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { annotatedVersion, api, browser, images, predict, project, test, trained, unique, until } from "./fixture.mjs";

const { version } = await annotatedVersion(images(0, 12));
const experiment = await trained((await project([version])).id, version, "watched");
const published = await api("POST", `/api/experiment/${experiment.id}/publish`, { name: unique("watched") });
const { id: deployment } = await api("POST", `/api/model/version/${published.id}/deploy`, { name: unique("watched"), min_threshold: 0.01 });
const folder = mkdtempSync(join(tmpdir(), "saccade-drift-"));
execFileSync(resolve(process.env.SACCADE ?? "build/release/saccade"), ["generate", "--out", folder, "--count", "90", "--seed", "31"]);
const stream = readdirSync(join(folder, "JPEGImages")).sort().map((f) => join(folder, "JPEGImages", f));
const drift = () => api("GET", `/api/deployment/${deployment}/drift`);
const b = await browser({ height: 1500 });
const { page } = b;

/** The same picture at half its brightness, drawn by the browser. */
async function darker(path) {
  const src = `data:image/jpeg;base64,${readFileSync(path).toString("base64")}`;
  const url = await page.evaluate(async (s) => {
    const image = new Image();
    image.src = s;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.naturalWidth, height: image.naturalHeight });
    const c = canvas.getContext("2d");
    c.filter = "brightness(0.5) blur(3px)";
    c.drawImage(image, 0, 0);
    return canvas.toDataURL("image/jpeg", 0.9);
  }, src);
  const out = path.replace(/\.jpg$/, "-dark.jpg");
  writeFileSync(out, Buffer.from(url.split(",")[1], "base64"));
  return out;
}

test("before there is enough, the page says what it waits for", async () => {
  await b.open(`/deployments/${deployment}`);
  await page.getByTestId("drift-state").getByText("0 of 60 predictions").waitFor();
  await page.getByTestId("drift-state").getByText("the first predictions").waitFor();
  assert.equal(await page.getByTestId("drift").count(), 0);
  await page.getByTestId("outliers-state").getByText("12 of 30 training images").waitFor();
  await page.getByTestId("embedding-state").getByText("at least 30 images").waitFor();
});

test("at rest nothing drifts", async () => {
  for (const path of stream.slice(0, 60)) await predict(deployment, path);
  await page.getByTestId("drift-state").getByText("No drift.").waitFor();
  await page.getByTestId("drift").getByRole("button", { name: "Brightness" }).waitFor();
  assert.equal((await drift()).state, "STEADY");
  await b.shot("drift-steady");
});

test("dark and blurred images are named as drift, with their curves and bars", async () => {
  for (const path of stream.slice(60)) await predict(deployment, await darker(path));
  await until("drift", async () => (await drift()).latest.features.filter((f) => f.drifted && /brightness|sharpness/.test(f.feature)).length === 2);
  await page.getByTestId("drift-state").getByText(/Brightness.* drifted/).waitFor();
  await page.getByTestId("drift").getByRole("button", { name: "Sharpness" }).click();
  await page.getByText("furthest apart at").waitFor();
  await page.getByRole("img", { name: "Chart: Bars of Sharpness" }).locator("canvas").waitFor();
  await page.getByRole("img", { name: "Chart: Drift over time" }).locator("canvas").waitFor();
  await page.getByTestId("drift").getByRole("button", { name: "Brightness" }).click();
  await page.getByRole("img", { name: "Chart: Distribution of Brightness" }).locator("canvas").waitFor();
  await page.getByTestId("drift").scrollIntoViewIfNeeded();
  const [table, bars] = [await page.getByTestId("drift").boundingBox(), await page.getByRole("img", { name: "Chart: Bars of Brightness" }).boundingBox()];
  assert.ok(table.x + table.width <= bars.x, `the table ends at ${table.x + table.width}, the chart beside it begins at ${bars.x}`);
  await b.shot("drift");
  await page.setViewportSize({ width: 1920, height: 1400 });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.getByTestId("drift").scrollIntoViewIfNeeded();
  await b.shot("drift-dark-1920");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 1500 });
});

test("a bar opens the predictions behind it", async () => {
  await page.getByTestId("drift").getByRole("button", { name: "Brightness" }).click();
  const { features } = (await drift()).latest;
  const h = features.find((f) => f.feature === "brightness").histogram;
  const bar = h.window.indexOf(Math.max(...h.window));
  const chart = page.getByRole("img", { name: "Chart: Bars of Brightness" });
  const opened = () => page.url().includes("tab=predictions");
  // Panels above grow as their answers come: each click looks anew where the chart is.
  await until("a bar opens", async () => {
    const { width, height } = await chart.boundingBox();
    for (let x = 40; x < width - 10 && !opened(); x += 6) await chart.click({ position: { x, y: height - 50 } });
    return opened();
  });
  const q = new URL(page.url()).searchParams.get("q");
  assert.match(q, /^image\.brightness >= [\d.]+ and image\.brightness < [\d.]+ and created_at >= /);
  const at = Number(q.match(/>= ([\d.]+)/)[1]);
  await page.getByText(`${h.window[h.edges.indexOf(at)]} prediction`).waitFor();
  assert.ok(bar >= 0);
});

test("outliers are told as soon as there is enough to fit to, also those that came before", async () => {
  const told = () => api("GET", `/api/deployment/${deployment}/outliers`);
  const { version: more } = await annotatedVersion(stream.slice(0, 30), { annotate: false });
  await api("POST", `/api/deployment/${deployment}/pipeline/td/setup`, { dataset_version_id: more.id });
  const now = await until("the scores", async () => { const t = await told(); return t.state === "READY" && t.scored === 90 && t; }, 120);
  const dark = now.points.slice(0, 30);
  assert.ok(dark.every((p) => p.is_outlier && p.score > now.fit.threshold) && now.outliers < 45, `${now.outliers} outliers`);
  await b.open(`/deployments/${deployment}`);
  await page.getByTestId("outliers-state").getByRole("link", { name: `${now.outliers} of 90 are outliers.` }).waitFor();
  for (const name of ["Outlier score", "Bars of the outlier score"]) await page.getByRole("img", { name: `Chart: ${name}`, exact: true }).locator("canvas").waitFor();
  assert.equal(await page.getByTestId("most-outlying").getByRole("link").count(), 16);
  await page.getByTestId("outliers-state").scrollIntoViewIfNeeded();
  await b.shot("outliers");
  await page.emulateMedia({ colorScheme: "dark" });
  await b.shot("outliers-dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.getByTestId("outliers-state").getByRole("link", { name: "are outliers" }).click();
  await page.waitForURL(/tab=predictions/);
  await page.getByText(`${now.outliers} predictions`).first().waitFor();
  await b.open(`/deployments/${deployment}?tab=settings&part=outliers`);
  await page.getByLabel("Percentile").fill("80");
  await page.getByRole("button", { name: "Save" }).click();
  await until("a lower threshold", async () => (await told()).fit.threshold < now.fit.threshold);
});

test("how it is watched is set up and followed", async () => {
  await b.open(`/deployments/${deployment}?tab=settings&part=drift`);
  await page.getByLabel("Window").fill("50");
  await page.getByRole("button", { name: "Save" }).click();
  await until("the window", async () => (await drift()).settings.window_size === 50);
  await page.getByRole("switch", { name: "Drift" }).click({ force: true });
  await until("off", async () => (await drift()).state === "OFF");
  await b.open(`/deployments/${deployment}`);
  await page.getByTestId("drift-state").getByText("Switched off").waitFor();
});

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
