import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { api, browser, images, lake, unique, until, test } from "./fixture.mjs";

const tag = unique("morning");
const b = await browser();
const { page } = b;

test("files dropped on the datalake are uploaded, with tags", async () => {
  await b.open("/datalake");
  const files = images(0, 6).map((p) => ({ name: basename(p), type: "image/jpeg", bytes: readFileSync(p).toString("base64") }));
  await page.getByRole("heading", { name: "Datalake" }).waitFor();
  const drop = await page.evaluateHandle((list) => {
    const t = new DataTransfer();
    for (const f of list) t.items.add(new File([Uint8Array.from(atob(f.bytes), (c) => c.charCodeAt(0))], f.name, { type: f.type }));
    return t;
  }, files);
  const zone = page.locator("main .page");
  await zone.dispatchEvent("dragenter", { dataTransfer: drop });
  await page.getByText("Drop to upload").waitFor();
  await zone.dispatchEvent("drop", { dataTransfer: drop });
  await page.getByText("Upload 6 images").waitFor();
  await page.getByRole("textbox", { name: "Tags" }).fill(tag);
  await page.keyboard.press("Enter");
  await b.shot("upload");
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await page.getByText("6 files uploaded").waitFor();
  await page.getByRole("gridcell").nth(5).waitFor();
  const list = await api("GET", `/api/datalake/${lake}/datas?q=${encodeURIComponent(`tags.name = "${tag}"`)}`);
  assert.equal(list.count, 6);
  assert.ok(list.items.every((d) => d.upload_status === "DONE" && d.meta.width === 640));
  await page.waitForFunction(() => [...document.querySelectorAll(".tile img")].slice(0, 6).every((i) => i.complete && i.naturalWidth > 0));
  await b.shot("datalake");
});

test("a file that is no image is named, and the others are not held up", async () => {
  await page.locator("input[type=file]").first().setInputFiles([{ name: "broken.jpg", mimeType: "image/jpeg", buffer: Buffer.from("no picture at all") }, ...images(6, 7).map((p) => ({ name: basename(p), mimeType: "image/jpeg", buffer: readFileSync(p) }))]);
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await page.getByText("1 file uploaded, 1 failed").waitFor();
  await page.getByText("broken.jpg").first().waitFor();
  await b.shot("upload-failed");
  await page.getByRole("button", { name: "Close" }).click();
});

test("the query bar completes, searches, and says what is wrong", async () => {
  const bar = page.getByRole("combobox", { name: "Query" });
  await page.keyboard.press("/");
  await bar.pressSequentially("tag");
  await page.getByRole("option", { name: "tags.name" }).waitFor();
  await b.shot("query-completion");
  await page.keyboard.press("Tab");
  await bar.pressSequentially(`= "${tag}"`);
  await page.keyboard.press("Enter");
  await page.getByText("6 images found").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("q"), `tags.name = "${tag}"`, "the query is in the URL");
  await page.reload();
  await page.getByText("6 images found").waitFor();
  await bar.fill("tags.name ==== 3");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  await b.shot("query-wrong");
  await bar.fill('filename = "there is none"');
  await page.keyboard.press("Enter");
  await page.getByText("Nothing matches this query").waitFor();
  await page.getByRole("button", { name: "Clear the query", exact: true }).last().click();
  await page.getByRole("gridcell").nth(5).waitFor();
});

test("images are chosen by click, range and key; tags are attached and detached", async () => {
  const tiles = page.getByRole("gridcell");
  await tiles.nth(1).hover();
  await tiles.nth(1).getByRole("button", { name: /Choose/ }).click();
  await tiles.nth(3).click({ modifiers: ["Shift"] });
  await page.getByText("3 images chosen").waitFor();
  await b.shot("datalake-chosen");
  const extra = unique("checked");
  await page.getByRole("button", { name: "Attach tags" }).click();
  await page.getByRole("textbox", { name: "Tags" }).fill(extra);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Attach", exact: true }).click();
  await until("the tag on three images", async () => (await api("GET", `/api/datalake/${lake}/datas?q=${encodeURIComponent(`tags.name = "${extra}"`)}`)).count === 3);
  await tiles.nth(1).getByText(extra).waitFor();
  await page.getByRole("button", { name: "Choose nothing" }).click();
  await page.getByRole("grid").focus();
  await page.keyboard.press("Control+a");
  await page.getByText(/images chosen/).waitFor();
  await page.keyboard.press("Escape");
  await page.getByText(/images chosen/).waitFor({ state: "detached" });
});

test("an image opens beside the grid with what is known of it", async () => {
  await page.getByRole("gridcell").nth(2).click();
  const panel = page.getByRole("complementary", { name: "Image" });
  await panel.getByText("640 × 480 pixels").waitFor();
  await b.shot("datalake-open");
  await page.getByRole("button", { name: "Close" }).click();
  await panel.waitFor({ state: "detached" });
});

test("a dataset is made from a query", async () => {
  await b.open(`/datalake?q=${encodeURIComponent(`tags.name = "${tag}"`)}`);
  await page.getByRole("button", { name: "Choose all" }).click();
  await page.getByText("6 images chosen").waitFor();
  await page.getByRole("button", { name: "Create dataset" }).click();
  const name = unique("from query");
  await page.getByLabel("Name").fill(name);
  await b.shot("create-dataset");
  await page.getByRole("button", { name: "Create dataset" }).last().click();
  await page.waitForURL(/\/versions\//);
  await page.getByRole("gridcell").nth(5).waitFor();
  await page.getByText(name).first().waitFor();
  assert.equal(await page.getByRole("gridcell").count(), 6);
});

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
