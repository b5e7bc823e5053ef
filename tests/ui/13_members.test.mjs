import assert from "node:assert/strict";
import { annotatedVersion, api, browser, images, project, unique, test } from "./fixture.mjs";

const { dataset, version } = await annotatedVersion(images(0, 2), { annotate: false });
const lab = await project([version]);
const word = "a long enough word";
const name = unique("annie");
await api("POST", "/api/users", { username: name, password: word, role: "annotator" });
const owner = await browser();
const other = await browser({ signedIn: false });

async function enter(b, who, secret) {
  await b.open("/login");
  await b.page.getByLabel("Username").fill(who);
  await b.page.getByLabel("Password", { exact: true }).fill(secret);
  await b.page.getByRole("button", { name: "Sign in" }).click();
  await b.page.getByRole("button", { name: "Your account" }).waitFor();
}

test("an annotator may annotate, and is not offered what they may not do", async () => {
  const { page } = other;
  await enter(other, name, word);
  await other.open(`/versions/${version.id}`);
  await page.getByRole("button", { name: "Annotate" }).waitFor();
  assert.equal(await page.getByRole("tab", { name: "Settings" }).count(), 0);
  await other.open(`/projects/${lab.id}`);
  await page.getByRole("heading", { name: "Dataset versions" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "New experiment" }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "Attach" }).count(), 0);
  await other.open("/datasets");
  await page.getByText(dataset.name).waitFor();
  assert.equal(await page.getByRole("button", { name: "New dataset" }).count(), 0);
  await other.shot("annotator");
});

test("more is given on one dataset, and holds there only", async () => {
  await owner.open(`/datasets/${dataset.id}`);
  await owner.page.getByRole("button", { name: "More actions" }).click();
  await owner.page.getByRole("menuitem", { name: "Access…" }).click();
  const dialog = owner.page.getByRole("dialog");
  await dialog.getByRole("cell", { name, exact: true }).waitFor();
  await dialog.getByRole("textbox", { name: "Give somebody more" }).click();
  await owner.page.getByRole("option", { name }).click();
  await dialog.getByRole("textbox", { name: "Role to give" }).click();
  await owner.page.getByRole("option", { name: "Member", exact: true }).click();
  await dialog.getByRole("button", { name: "Give" }).click();
  await dialog.getByText("given here").waitFor();
  await owner.shot("access");
  await other.open(`/datasets/${dataset.id}`);
  await other.page.getByRole("button", { name: "New version" }).waitFor();
  await other.open(`/projects/${lab.id}`);
  await other.page.getByRole("heading", { name: "Dataset versions" }).waitFor();
  assert.equal(await other.page.getByRole("button", { name: "New experiment" }).count(), 0);
});

test("an organization is made, somebody is invited, and both go from one to the other", async () => {
  const { page } = owner;
  const second = unique("second");
  await owner.open("/settings");
  await page.getByRole("button", { name: "New organization" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill(second);
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await page.getByText("Bring images").waitFor(); // an organization without anything in it
  await owner.open("/datasets");
  await page.getByText("No datasets yet").waitFor();
  await owner.open("/settings?tab=users");
  await page.getByRole("button", { name: "Invite somebody" }).click();
  await page.getByRole("dialog").getByLabel("Username").fill(name);
  await page.getByRole("dialog").getByRole("button", { name: "Invite" }).click();
  await page.getByText(`${name} is a member now`).waitFor();
  await page.getByText("of another organization").first().waitFor();
  await owner.shot("members");
  await other.open("/");
  await other.page.getByRole("button", { name: "Your account" }).click();
  await other.shot("organizations");
  await Promise.all([other.page.waitForEvent("load"), other.page.getByRole("menuitem", { name: second }).click()]);
  await other.open("/datasets");
  await other.page.getByRole("button", { name: "New dataset" }).waitFor(); // a member here
  await other.page.getByText("No datasets yet").waitFor();
  await page.getByRole("button", { name: "Your account" }).click();
  await Promise.all([page.waitForEvent("load"), page.getByRole("menuitem", { name: "default" }).click()]);
  await owner.open("/datasets");
  await page.getByText(dataset.name).waitFor();
});

test("nothing on these pages complained", () => assert.deepEqual([...owner.problems, ...other.problems], []));
