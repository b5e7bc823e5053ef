import assert from "node:assert/strict";
import { annotatedVersion, api, browser, choose, images, project, until, test } from "./fixture.mjs";

const { version: held, dataset } = await annotatedVersion(images(0, 4), { version: "test" });
const { version: learnt } = await annotatedVersion(images(2, 10), { version: "train", dataset });
const lab = await project([held, learnt]);
const b = await browser();
const { page } = b;
const chosen = (alias) => page.getByRole("textbox", { name: `Dataset version for ${alias}` }).inputValue();
const make = page.getByRole("button", { name: "Create and launch" });

test("what is called test is measured on and not learned from, and what both hold is told in words", async () => {
  await b.open(`/projects/${lab.id}/new`);
  await page.getByRole("textbox", { name: "Dataset version for train" }).waitFor();
  assert.match(await chosen("train"), / \/ train · 8 images/);
  assert.match(await chosen("test"), / \/ test · 4 images/);
  await page.getByText("2 images of 4 of test").waitFor();
  await b.shot("new-experiment-overlap");
});

test("the same version is in both parts only when somebody says so", async () => {
  await page.getByLabel("Name", { exact: true }).fill("twice");
  await choose(page, "Dataset version for train", / \/ test/);
  await page.getByText("is both train and test").waitFor();
  await page.getByText("It would be measured on what it learns from.").waitFor();
  assert.ok(await make.isDisabled());
  await page.getByRole("checkbox", { name: /all the same/ }).check();
  assert.ok(await make.isEnabled());
  await b.shot("new-experiment-twice");
  await choose(page, "Dataset version for train", / \/ train/);
  await page.getByText("is both train and test").waitFor({ state: "detached" });
});

test("with a version for tests alone nothing is learned from by default", async () => {
  const alone = await project([held]);
  await b.open(`/projects/${alone.id}/new`);
  await page.getByRole("textbox", { name: "Dataset version for train" }).waitFor();
  assert.equal(await chosen("train"), "");
  await page.getByLabel("Name", { exact: true }).fill("alone");
  await page.getByText("It needs a dataset version to learn from.").waitFor();
});

test("a version that nobody has annotated is not learned from", async () => {
  const { version: bare } = await annotatedVersion(images(10, 12), { version: "train", annotate: false });
  const other = await project([bare]);
  await b.open(`/projects/${other.id}/new`);
  await page.getByLabel("Name", { exact: true }).fill("bare");
  await page.getByText("has no annotations to learn from").waitFor();
  assert.ok(await make.isDisabled());
});

test("an experiment like another one has its data too", async () => {
  const e = await api("POST", `/api/project/${lab.id}/experiments`, { name: "first", description: "" });
  await api("POST", `/api/experiment/${e.id}/datasets`, { name: "train", dataset_version_id: learnt.id });
  await api("POST", `/api/experiment/${e.id}/datasets`, { name: "val", dataset_version_id: held.id });
  await b.open(`/projects/${lab.id}/new?from=${e.id}`);
  await page.getByRole("textbox", { name: "Dataset version for val" }).waitFor();
  assert.match(await chosen("train"), / \/ train/);
  assert.match(await chosen("val"), / \/ test/);
});

test("a name that is too long is refused in words, not cut", async () => {
  await page.getByLabel("Name", { exact: true }).fill("x".repeat(5000));
  await page.getByText("at most 100 characters; this one has 5,000").waitFor();
  assert.ok(await make.isDisabled());
  await b.open("/projects");
  await page.getByRole("button", { name: "New project" }).first().click();
  await page.getByRole("dialog").getByLabel("Name").fill("y".repeat(101));
  await page.getByText("at most 100 characters; this one has 101").waitFor();
  assert.ok(await page.getByRole("button", { name: "Create", exact: true }).isDisabled());
});

test("whoever deletes a version sees what uses it", async () => {
  await b.open(`/versions/${held.id}?tab=settings`);
  await page.getByRole("button", { name: "Delete the version…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("It is in use").waitFor();
  await dialog.getByText(lab.name).waitFor();
  await dialog.getByText("first").waitFor();
  await b.shot("delete-in-use");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await b.open(`/datasets/${dataset.id}`);
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Delete the dataset…" }).click();
  await page.getByRole("dialog").getByText("It is in use").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Delete nevertheless" }).click();
  await page.waitForURL(/datasets$/);
  await until("it is gone", async () => (await api("GET", `/api/dataset/${dataset.id}`).catch(() => null)) === null);
});

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
