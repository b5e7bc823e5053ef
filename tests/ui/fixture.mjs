// What every story needs: the server's API, a browser that is signed in, screenshots.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test as nodeTest } from "node:test";

const { chromium } = createRequire(new URL("../../ui/package.json", import.meta.url))("playwright-core");

export const url = process.env.SACCADE_URL;
export const user = process.env.SACCADE_USER ?? "admin";
export const password = process.env.SACCADE_PASSWORD ?? "";
const shots = process.env.SACCADE_SHOTS ?? "build/screenshots";
const drawn = join(process.env.SACCADE_PAGES ?? ".", "cells");

/** Paths of drawn images, and of their VOC files. */
export const images = (from, to) => readdirSync(join(drawn, "JPEGImages")).sort().slice(from, to).map((f) => join(drawn, "JPEGImages", f));
export const vocOf = (image) => join(drawn, "Annotations", basename(image).replace(/\.\w+$/, ".xml"));

let cookie = null;
async function signIn() {
  const r = await fetch(`${url}/api/session`, { method: "POST", headers: { "Content-Type": "application/json", "X-Requested-With": "saccade" }, body: JSON.stringify({ username: user, password }) });
  assert.equal(r.status, 200, `sign in: ${await r.clone().text()}`);
  cookie = r.headers.get("set-cookie").split(";")[0];
  return r.json();
}
export const session = await signIn();
export const org = session.organization.id;
export const lake = session.datalake.id;

/** A call to the API; throws what the server refuses. */
export async function api(method, path, body, headers = {}) {
  const form = body instanceof FormData;
  const r = await fetch(url + path, { method, headers: { ...headers, Cookie: cookie, "X-Requested-With": "saccade", ...(body && !form ? { "Content-Type": "application/json" } : {}) }, body: form ? body : body && JSON.stringify(body) });
  const text = await r.text();
  if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${text.slice(0, 400)}`);
  return text ? JSON.parse(text) : {};
}

/** Listens to a topic as a page does, from now on. */
export async function listener(topic) {
  const r = await fetch(`${url}/api/events?topic=${encodeURIComponent(topic)}`, { headers: { Cookie: cookie }, signal: AbortSignal.timeout(30_000) });
  assert.equal(r.status, 200);
  const stream = r.body.getReader();
  let text = "";
  const until = async (word) => {
    while (!text.includes(word)) {
      const { value, done } = await stream.read();
      assert.ok(!done, `the stream ended before "${word}": ${text}`);
      text += Buffer.from(value).toString();
    }
  };
  await until("listening");
  return { heard: () => until("data:"), close: () => stream.cancel() };
}

export async function until(what, f, seconds = 30, every = 200) {
  const end = Date.now() + 1000 * seconds;
  for (;;) {
    const v = await f();
    if (v) return v;
    assert.ok(Date.now() < end, `${what}: not within ${seconds} s`);
    await new Promise((r) => setTimeout(r, every));
  }
}

// ---- things made by the API, for stories that are about something else
export async function upload(paths, tags = []) {
  const ids = [];
  const tagIds = [];
  for (const name of tags) {
    const known = (await api("GET", `/api/datalake/${lake}/tags?limit=1000`)).items.find((t) => t.name === name);
    tagIds.push((known ?? (await api("POST", `/api/datalake/${lake}/tags`, { name }))).id);
  }
  const connector = session.organization.default_connector_id;
  for (const path of paths) {
    const { object_name } = await api("POST", `/api/organization/${org}/connector/${connector}/generate_object_name`, { filename: basename(path), type: "DATA" });
    const grant = await api("POST", `/api/object-storage/${connector}/generate_presigned_url`, { object_name, content_type: "image/jpeg" });
    const put = await fetch(grant.presigned_url_data.url, { method: "PUT", headers: { ...grant.presigned_url_data.fields, "Content-Type": "image/jpeg", "x-ms-blob-type": "BlockBlob" }, body: readFileSync(path) });
    assert.ok(put.ok, `upload: ${put.status}`);
    const data = await api("POST", `/api/datalake/${lake}/datas`, { type: "IMAGE", filename: basename(path), object_name, content_type: "image/jpeg", tags: tagIds, data_source_id: null });
    ids.push(data.id);
  }
  return ids;
}

let serial = 0;
export const unique = (word) => `${word}-${process.pid.toString(36)}${(serial++).toString(36)}`;

/** A dataset with one version, its labels, and the annotations of the drawn images. */
export async function annotatedVersion(paths, { version = "train", dataset = null, annotate = true } = {}) {
  const ds = dataset ?? (await api("POST", `/api/organization/${org}/datasets`, { name: unique("cells"), description: "" }));
  const v = await api("POST", `/api/dataset/${ds.id}/versions`, { version, description: "", type: "OBJECT_DETECTION" });
  const ids = await upload(paths);
  await api("POST", `/api/dataset/version/${v.id}/assets`, { asset_tag_ids: [], data_ids: ids });
  await until("assets", async () => (await api("GET", `/api/dataset/version/${v.id}`)).nb_assets === paths.length);
  if (annotate) {
    const form = new FormData();
    form.append("mode", "REPLACE");
    for (const p of paths) form.append("files", new Blob([readFileSync(vocOf(p))]), basename(vocOf(p)));
    const { job } = await api("POST", `/api/dataset/version/${v.id}/annotations/import`, form);
    const end = await until("import", async () => { const j = await api("GET", `/api/v2/job/${job.id}`); return /SUCC|FAIL|KILL/.test(j.status) && j; });
    assert.equal(end.status, "SUCCEEDED", end.error);
  }
  return { dataset: ds, version: await api("GET", `/api/dataset/version/${v.id}`) };
}

/** A test of Node's runner that leaves a picture of the page when it fails. */
const pages = [];
export const test = (name, f) =>
  nodeTest(name, async () => {
    try {
      await f();
    } catch (e) {
      for (const [i, page] of pages.entries()) await page.screenshot({ path: join(shots, `failed-${name.replace(/\W+/g, "-").slice(0, 40)}-${i}.png`) }).catch(() => undefined);
      throw e;
    }
  });

// ---- the browser
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-color-profile=srgb", "--hide-scrollbars"];

/** A browser with an empty profile; `problems` collects what the console complains of. */
export async function browser({ signedIn = true, width = 1280, height = 800 } = {}) {
  const profile = mkdtempSync(join(tmpdir(), "saccade-browser-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: flags, viewport: { width, height }, acceptDownloads: true });
  context.setDefaultTimeout(15_000);
  const page = context.pages()[0] ?? (await context.newPage());
  pages.push(page);
  const problems = [];
  page.on("pageerror", (e) => problems.push(`page error: ${e.message}`));
  page.on("console", (m) => {
    if (m.type() === "error" && !/Failed to load resource/.test(m.text())) problems.push(`console: ${m.text()}`);
  });
  if (signedIn) {
    const [name, value] = cookie.split("=");
    await context.addCookies([{ name, value, url }]);
  }
  const close = async () => {
    pages.splice(pages.indexOf(page), 1);
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  after(close);
  return {
    page,
    context,
    problems,
    open: (path) => page.goto(url + path),
    shot: (name) => page.screenshot({ path: join(shots, `${name}.png`) }),
  };
}

/** The board of the annotation and review tools: what is on it, and where it lies on screen. */
export const board = (page) => ({
  shapes: () => page.evaluate(() => window.saccadeBoard.state.history.doc.shapes.map((s) => ({ id: s.id, kind: s.kind, label: s.label, score: s.score, geo: s.geo }))),
  state: () => page.evaluate(() => { const { tool, label, chosen, loading, least } = window.saccadeBoard.state; return { tool, label, chosen: [...chosen], loading, least }; }),
  ready: () => page.waitForFunction(() => window.saccadeBoard && !window.saccadeBoard.state.loading),
  async screen(x, y) {
    const p = await page.evaluate(([a, b]) => window.saccadeBoard.screenOf({ x: a, y: b }), [x, y]);
    const box = await page.getByTestId("board").boundingBox();
    return { x: box.x + p.x, y: box.y + p.y };
  },
  /** From one point of the image to another with the button down. */
  async drag(x0, y0, x1, y1) {
    const a = await this.screen(x0, y0);
    const b = await this.screen(x1, y1);
    await page.mouse.move(a.x, a.y);
    await page.mouse.down();
    await page.mouse.move((a.x + b.x) / 2, (a.y + b.y) / 2);
    await page.mouse.move(b.x, b.y);
    await page.mouse.up();
  },
  async click(x, y) {
    const p = await this.screen(x, y);
    await page.mouse.move(p.x, p.y);
    await page.mouse.down();
    await page.mouse.up();
  },
});
export const saved = (page) => page.waitForFunction(() => document.querySelector("[data-testid=save-state]")?.getAttribute("data-state") === "saved");

// ---- what comes after training, made by the API for stories that are about something later
/** Hyperparameters of a training that is over within seconds; nobody expects it to see anything. */
export const brief = { steps: 8, batch_size: 4, image_size: 96, eval_every: 4 };

export async function project(versions) {
  const p = await api("POST", `/api/organization/${org}/projects`, { name: unique("counting"), description: "Which network counts the cells best?" });
  for (const v of versions) await api("POST", `/api/project/${p.id}/datasets`, { dataset_version_id: v.id });
  return p;
}

const ended = (id) => until("the training's end", async () => { const e = await api("GET", `/api/experiment/${id}`); return /SUCCESS|FAILED|CANCELED/.test(e.status) && e; }, 150, 500);

/** An experiment of the hub's model on a version, trained on this server. */
export async function trained(projectId, version, name, parameters = {}) {
  const hub = (await api("GET", "/api/models?limit=10")).items[0];
  const base = (await api("GET", `/api/model/${hub.id}/versions`)).items[0];
  const e = await api("POST", `/api/project/${projectId}/experiments`, { name, description: "", base_model_version_id: base.id, parameters: { ...base.parameters, ...brief, ...parameters } });
  await api("POST", `/api/experiment/${e.id}/datasets`, { name: "train", dataset_version_id: version.id });
  await api("POST", `/api/experiment/${e.id}/launch`, { gpus: 0 });
  const end = await ended(e.id);
  assert.equal(end.status, "SUCCESS", end.error);
  return end;
}

/** An image to a deployment, as a production line sends it. */
export function predict(deployment, path, source = "line-1") {
  const form = new FormData();
  form.append("media", new Blob([readFileSync(path)], { type: "image/jpeg" }), basename(path));
  form.append("source", source);
  return api("POST", `/api/deployment/${deployment}/predict`, form);
}

/** Chooses in a select of the page by the label of its field. */
export async function choose(page, label, option) {
  await page.getByRole("textbox", { name: label }).click();
  await page.getByRole("option", { name: option }).first().click();
}
