import assert from "node:assert/strict";
import { browser, password, url, user, test } from "./fixture.mjs";

test("somebody who is not signed in is asked to, and lands where they wanted to go", async () => {
  const { page, open, shot, problems } = await browser({ signedIn: false });
  await open("/datasets?find=x");
  await page.getByRole("heading", { name: "Sign in to Saccade" }).waitFor();
  await shot("login");
  await page.getByLabel("Username").fill(user);
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Username and password do not match").waitFor();
  await shot("login-refused");
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Datasets", exact: true }).waitFor();
  assert.equal(new URL(page.url()).search, "?find=x");
  assert.deepEqual(problems, []);
});

test("an empty server shows the loop as steps that lead there", async () => {
  const { page, open, shot } = await browser();
  await open("/");
  await page.getByText("Bring images").waitFor();
  await shot("home-empty");
  await page.getByText("Bring images").click();
  await page.getByText("No images yet").waitFor();
  assert.equal(page.url(), `${url}/datalake`);
  await shot("datalake-empty");
});

test("signing out ends the session", async () => {
  const { page, open } = await browser({ signedIn: false });
  await open("/login?to=//example.org/x");
  await page.getByLabel("Username").fill(user);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Your account" }).click();
  assert.equal(new URL(page.url()).origin, url, "nobody is sent to another site");
  await page.getByText("Sign out").click();
  await page.getByRole("heading", { name: "Sign in to Saccade" }).waitFor();
  await open("/jobs");
  await page.getByRole("heading", { name: "Sign in to Saccade" }).waitFor();
});
