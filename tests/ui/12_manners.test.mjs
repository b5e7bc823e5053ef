import assert from "node:assert/strict";
import { annotatedVersion, api, browser, images, lake, project, until, url, test } from "./fixture.mjs";

const { version } = await annotatedVersion(images(0, 3), { annotate: false });
const b = await browser();
const { page } = b;

/** Files as a drop has them. */
const drop = async (files) => {
  const data = await page.evaluateHandle((list) => {
    const t = new DataTransfer();
    for (const [name, type] of list) t.items.add(new File(["not an image"], name, { type }));
    return t;
  }, files);
  const zone = page.locator("main .page");
  await zone.dispatchEvent("dragenter", { dataTransfer: data });
  await zone.dispatchEvent("drop", { dataTransfer: data });
};

test("dropping what is no image says what happened", async () => {
  await b.open("/datalake");
  await page.getByRole("gridcell").first().waitFor();
  await drop([["report.pdf", "application/pdf"]]);
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Nothing to upload").waitFor();
  await dialog.getByText("report.pdf").waitFor();
  await b.shot("drop-pdf");
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await drop([["notes.txt", "text/plain"], ["a.jpg", "image/jpeg"]]);
  await dialog.getByText("Upload 1 image").waitFor();
  await dialog.getByText("1 file is no image and is left out").waitFor();
  await dialog.getByText("notes.txt").waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
});

test("a failed upload is no image: it stands apart with its reason, and is counted there only", async () => {
  const before = (await api("GET", `/api/datalake/${lake}/datas?upload_statuses=DONE&limit=1`)).count;
  await page.locator("input[type=file]").first().setInputFiles([{ name: "text.jpg", mimeType: "image/jpeg", buffer: Buffer.from("a text that is called an image") }]);
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await page.getByText("0 files uploaded, 1 failed").waitFor();
  const chip = page.getByRole("button", { name: /failed upload/ });
  await chip.waitFor();
  await page.getByText(`${before} images`, { exact: true }).waitFor();
  assert.equal(await page.locator("main .tile", { hasText: "text.jpg" }).count(), 0);
  await page.getByRole("region", { name: "Uploads" }).getByRole("button", { name: "Close" }).click();
  await chip.click();
  const row = page.getByRole("row").filter({ hasText: "text.jpg" });
  await row.waitFor();
  assert.ok((await row.getByRole("cell").nth(1).innerText()).length > 10, "a reason is given");
  await b.shot("uploads-failed");
  await page.getByRole("button", { name: /^Delete (it|all)/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await chip.waitFor({ state: "detached" });
  await page.getByRole("gridcell").first().waitFor();
});

test("a list that is not wholly counted says so, and shows the exact number when it comes", async () => {
  const total = (await api("GET", `/api/datalake/${lake}/datas?upload_statuses=DONE&limit=1&count=exact`)).count;
  let held;
  const exact = new Promise((go) => (held = go));
  await page.route(/datas\?.*count=short/, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), count: 1, count_exact: false } });
  });
  await page.route(/datas\?.*count=exact/, async (route) => { await exact; await route.continue(); });
  await b.open("/datalake");
  await page.getByText("at least 1 image", { exact: true }).waitFor();
  held();
  await page.getByText(`${total} images`, { exact: true }).waitFor();
  await page.unrouteAll({ behavior: "wait" });
});

test("without a network a page says so instead of waiting for ever", async () => {
  await b.open("/models?tab=hub");
  await page.locator("main .card").first().waitFor();
  await b.context.setOffline(true);
  try {
    await page.getByRole("tab", { name: "Registry" }).click();
    await page.getByText("The server does not answer").waitFor();
    await b.shot("offline");
    assert.deepEqual(b.problems, []);
    await page.getByRole("link", { name: "Projects" }).click(); // whose page was not fetched yet
    await page.getByText("The page could not be fetched").waitFor();
  } finally {
    await b.context.setOffline(false);
  }
  b.problems.length = 0; // the browser's own word about what could not be fetched
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("button", { name: "New project" }).first().waitFor();
});

test("a tooltip of a chart goes when the pointer leaves for the controls", async () => {
  const lab = await project([version]);
  const e = await api("POST", `/api/project/${lab.id}/experiments`, { name: "curves", description: "" });
  await api("POST", `/api/experiment/${e.id}/logs`, { name: "train/loss", type: "LINE", data: { steps: [...Array(40).keys()], values: [...Array(40).keys()].map((i) => 40 - i) } });
  await b.open(`/experiments/${e.id}`);
  const canvas = page.locator("[data-log] canvas").first();
  await canvas.waitFor();
  const box = await canvas.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 4 });
  const shown = () => page.evaluate(() => [...document.querySelectorAll(".chart div")].some((d) => /Step|step/.test(d.textContent) && getComputedStyle(d).position === "absolute" && getComputedStyle(d).visibility !== "hidden" && getComputedStyle(d).opacity !== "0" && getComputedStyle(d).display !== "none"));
  await until("the tooltip", shown, 10);
  await page.getByRole("textbox", { name: "Find a log" }).hover();
  await until("no tooltip", async () => !(await shown()), 5);
});

test("the rail folds in the tools and stays wide elsewhere", async () => {
  const wide = () => page.evaluate(() => document.querySelector("nav.rail").offsetWidth > 100);
  await b.open(`/annotate/${version.id}`);
  await page.locator("canvas").first().waitFor();
  assert.ok(!(await wide()));
  await b.open("/jobs");
  await page.getByRole("heading", { name: "Jobs" }).waitFor();
  assert.ok(await wide());
  await page.goto(`${url}/annotate/${version.id}`);
  await page.getByRole("button", { name: "Widen the rail" }).click();
  assert.ok(await wide());
  await page.reload();
  await page.locator("canvas").first().waitFor();
  assert.ok(await wide(), "a rail that was widened in the tool stays so there");
});

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
