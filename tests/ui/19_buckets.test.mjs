import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after } from "node:test";
import { browser, images, unique, test, until, api } from "./fixture.mjs";

// At the address of this machine that the run allows to call: a store with a few pictures: what the pages see of one is its list, by folders, and its objects.
const bodies = new Map(images(0, 6).map((path, i) => [`cameras/line ${1 + (i % 2)}/${i}.jpg`, readFileSync(path)]));
bodies.set("cameras/notes.txt", Buffer.from("no image"));
const etag = (b) => `"${createHash("md5").update(b).digest("hex")}"`;
const text = (s) => encodeURIComponent(s);

function list(q) {
  const prefix = q.get("prefix") ?? "";
  const keys = [...bodies.keys()].filter((k) => k.startsWith(prefix)).sort();
  const deeper = (k) => q.get("delimiter") && k.slice(prefix.length).includes("/");
  const folders = [...new Set(keys.filter(deeper).map((k) => prefix + k.slice(prefix.length).split("/")[0] + "/"))];
  const rows = keys.filter((k) => !deeper(k)).map((k) => `<Contents><Key>${text(k)}</Key><ETag>${etag(bodies.get(k))}</ETag><Size>${bodies.get(k).length}</Size></Contents>`);
  return `<ListBucketResult>${rows.join("")}${folders.map((f) => `<CommonPrefixes><Prefix>${text(f)}</Prefix></CommonPrefixes>`).join("")}<IsTruncated>false</IsTruncated></ListBucketResult>`;
}

const store = createServer((req, res) => {
  const { pathname, searchParams } = new URL(req.url, "http://store");
  const key = decodeURIComponent(pathname).replace(/^\/pictures\//, "");
  const body = searchParams.has("list-type") ? Buffer.from(list(searchParams)) : bodies.get(key);
  if (!body || !req.headers.authorization?.startsWith("AWS4-HMAC-SHA256")) res.writeHead(404).end("<Error><Code>NoSuchKey</Code></Error>");
  else res.writeHead(200, { ETag: etag(body), "Content-Length": body.length }).end(req.method === "HEAD" ? undefined : body);
});
await new Promise((r) => store.listen(0, "127.0.0.2", r));
after(() => store.close());
const endpoint = `http://127.0.0.2:${store.address().port}`;
const { page, open, shot } = await browser();
const name = unique("Cameras");

test("an administrator makes a connector, and sees whether it works", async () => {
  await open("/settings?tab=storage");
  await page.getByText("No other storage yet").waitFor();
  await shot("storage-none");
  await page.getByRole("button", { name: "New connector" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Endpoint").fill(endpoint);
  await dialog.getByLabel("Bucket", { exact: true }).fill("pictures");
  await dialog.getByLabel("Access key").fill("AKIATEST");
  await dialog.getByLabel("Secret key").fill("a secret");
  await shot("storage-new");
  await dialog.getByRole("button", { name: "Add connector" }).click();
  const row = page.getByRole("article", { name });
  await row.getByRole("button", { name: "Test" }).click();
  await row.getByText("Works").waitFor();
  await shot("storage");
});

test("images of a folder are imported from the datalake, and its job says what came of it", async () => {
  await open("/datalake");
  await page.getByRole("button", { name: "Import from a bucket" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "cameras", exact: true }).click();
  await dialog.getByText("notes.txt").waitFor();
  assert.ok(await dialog.getByLabel("Import notes.txt").isDisabled());
  await dialog.getByLabel("Import line 1").check();
  await dialog.getByRole("textbox", { name: "How often" }).click();
  await page.getByRole("option", { name: "Every hour" }).click();
  await shot("bucket-import");
  await dialog.getByRole("button", { name: "Import 1 chosen" }).click();
  await dialog.waitFor({ state: "hidden" });
  await until("the import", async () => (await api("GET", "/api/jobs?limit=5")).items.find((j) => j.kind === "import_objects" && j.status === "SUCCEEDED"));
  await open("/jobs");
  await page.getByText("3 added").waitFor();
  await shot("bucket-job");
  await open("/settings?tab=storage");
  await page.getByText(`${name} · cameras/line 1/`).waitFor();
  bodies.set("cameras/line 1/9.jpg", bodies.get("cameras/line 2/1.jpg"));
  await page.getByRole("button", { name: "Run now" }).click();
  await page.getByText("1 added").waitFor();
  await shot("storage-in-step");
});
