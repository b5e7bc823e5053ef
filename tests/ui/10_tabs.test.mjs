import assert from "node:assert/strict";
import { annotatedVersion, api, browser, images, until, url, test } from "./fixture.mjs";

const { version } = await annotatedVersion(images(0, 2), { annotate: false });
const b = await browser();
const streams = async () => Number((await (await fetch(`${url}/metrics`)).text()).match(/^saccade_event_streams (\d+)/m)[1]);
const places = ["/jobs", "/", "/datasets", "/projects", "/models", "/deployments", `/versions/${version.id}`, "/jobs"];

/** A job, so that there is something to tell. */
async function newJob() {
  const form = new FormData();
  form.append("mode", "REPLACE");
  form.append("files", new Blob(["<annotation></annotation>"]), "x.xml");
  return (await api("POST", `/api/dataset/version/${version.id}/annotations/import`, form)).job.id;
}

test("eight tabs are open at once, all of them live, and hold one stream together", async () => {
  const tabs = [];
  for (const path of places) {
    const page = await b.context.newPage();
    await page.goto(url + path);
    await page.locator("main h1").first().waitFor();
    tabs.push(page);
  }
  const jobs = [tabs[0], tabs[7]];
  const id = await newJob();
  for (const page of jobs) await page.getByRole("button", { name: `Copy the id ${id}` }).waitFor();
  await until("one stream", async () => (await streams()) === 1); // the server sees within seconds that one was let go
  for (const page of tabs) await page.close();
});

test("a tab that goes through eight pages holds no more, and one shown again from the back/forward cache is live", async () => {
  const { page } = b;
  for (const path of places) {
    await page.goto(url + path);
    await page.locator("main h1").first().waitFor();
  }
  await page.goBack();
  await page.goBack();
  await page.goForward();
  await page.goForward();
  await page.getByRole("heading", { name: "Jobs" }).waitFor();
  const id = await newJob();
  await page.getByRole("button", { name: `Copy the id ${id}` }).waitFor();
  await until("one stream", async () => (await streams()) === 1);
});

test("a browser without shared workers is live, too", async () => {
  const plain = await browser();
  await plain.context.addInitScript(() => delete window.SharedWorker);
  await plain.open("/jobs");
  await plain.page.getByRole("heading", { name: "Jobs" }).waitFor();
  assert.equal(await plain.page.evaluate(() => typeof SharedWorker), "undefined");
  const id = await newJob();
  await plain.page.getByRole("button", { name: `Copy the id ${id}` }).waitFor();
  await plain.page.close();
});

test("the charts are fetched where there is one, and nowhere else", async () => {
  const { page } = b;
  const fetched = () => page.evaluate(() => performance.getEntriesByType("resource").map((r) => r.name).filter((n) => /chart/.test(n)));
  for (const path of places) {
    await page.goto(url + path);
    await page.locator("main h1").first().waitFor();
    await page.waitForLoadState("load");
    assert.deepEqual(await fetched(), [], path);
  }
});

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
