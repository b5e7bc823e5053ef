import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { api, browser, choose, images, org, unique, test, until } from "./fixture.mjs";

const model = await api("POST", `/api/organization/${org}/models`, { name: unique("elsewhere") });
const version = await api("POST", `/api/model/${model.id}/versions`, { name: "one", type: "OBJECT_DETECTION", framework: "ONNX", labels: { 0: "cell", 1: "platelet" } });
const deployment = await api("POST", `/api/organization/${org}/deployments`, { name: unique("watched"), model_version_id: version.id, min_threshold: 0 });
const rules = `/deployments/${deployment.id}?tab=settings&part=alerts`;
const pictures = images(0, 12);
const b = await browser();
const { page } = b;

/** A prediction that was made elsewhere, of so many seconds. */
const tell = (latency) =>
  api("POST", `/api/deployment/${deployment.id}/predictions`, {
    filename: `${unique("image")}.jpg`, content_type: "image/jpeg", width: 640, height: 480, latency, image: readFileSync(pictures.pop()).toString("base64"),
    raw_predictions: { detection_classes: [0], detection_scores: [0.8], detection_boxes: [[10, 20, 60, 80]] },
  });

test("an alert is made with its metric's defaults, and reads as a sentence", async () => {
  await b.open(rules);
  await page.getByText("Nobody watches this deployment yet").waitFor();
  await page.getByRole("button", { name: "New alert" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Value (ms)").fill("800");
  await form.getByLabel("The last predictions").fill("2");
  await form.getByLabel("Must hold for", { exact: true }).fill("0");
  await b.shot("alert-form");
  await form.getByRole("button", { name: "Add alert" }).click();
  const card = page.getByRole("article", { name: "Mean latency of the last 2 predictions is above 800 ms" });
  await card.getByText("OK", { exact: true }).waitFor();
  await page.getByRole("heading", { name: "From images and predictions" }).waitFor();
});

test("one of reviews stands in a group of its own, and one of a label asks for it", async () => {
  await page.getByRole("button", { name: "New alert" }).click();
  await choose(page, "What", "Recall");
  await page.getByRole("dialog").getByRole("button", { name: "Add alert" }).click();
  await page.getByRole("heading", { name: "From reviews" }).waitFor();
  await page.getByRole("article", { name: /^Recall of the last 200 reviewed images is below 0.8/ }).getByText("waits for 0 of 30").waitFor();
  await page.getByRole("button", { name: "New alert" }).click();
  await choose(page, "What", "Share of objects");
  assert.ok(await page.getByRole("dialog").getByRole("button", { name: "Add alert" }).isDisabled());
  await choose(page, "Label", "platelet");
  await page.getByRole("dialog").getByRole("button", { name: "Add alert" }).click();
  await page.getByRole("article", { name: /“platelet”/ }).waitFor();
});

test("it fires on the page that is open, on the dashboard and at home, and somebody takes care of it", async () => {
  const card = page.getByRole("article", { name: /^Mean latency/ });
  await tell(1.5);
  await tell(1.2);
  await card.getByText("Fires", { exact: true }).waitFor();
  await card.getByText(/^now 1.?350 ms/).waitFor();
  await card.getByRole("button", { name: "I take care of it" }).click();
  await card.getByText("takes care of it").first().waitFor();
  await card.getByRole("button", { name: "History" }).click();
  await card.getByText("it is 1350 ms").waitFor();
  await b.shot("alert-fires");
  await b.open(`/deployments/${deployment.id}`);
  await page.getByText(/Mean latency of the last 2 predictions is above 800 ms/).first().waitFor();
  await b.open("/");
  await page.getByRole("heading", { name: "Alerts" }).waitFor();
  await b.shot("home-fires");
  await page.getByText(`${deployment.name}: Mean latency`, { exact: false }).first().waitFor();
});

test("it is changed, switched off and deleted", async () => {
  await b.open(rules);
  const card = page.getByRole("article", { name: /^Mean latency/ });
  await card.getByRole("button", { name: /^More for/ }).click();
  await page.getByRole("menuitem", { name: "Edit…" }).click();
  await page.getByRole("dialog").getByLabel("Value (ms)").fill("2000");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  const changed = page.getByRole("article", { name: /above 2000 ms/ });
  await changed.getByText("OK", { exact: true }).waitFor();
  await changed.getByRole("switch").click({ force: true });
  await changed.getByText("Off", { exact: true }).waitFor();
  const other = page.getByRole("article", { name: /“platelet”/ });
  await other.getByRole("button", { name: /^More for/ }).click();
  await page.getByRole("menuitem", { name: "Mute for a day" }).click();
  await other.getByText(/muted until/).waitFor();
  await other.getByRole("button", { name: /^More for/ }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await other.waitFor({ state: "detached" });
});

test("a webhook is made, shows its secret once, and its log says what came back", async () => {
  await b.open("/settings?tab=webhooks");
  await page.getByRole("button", { name: "New webhook" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Address").fill("http://127.0.0.1/");
  await form.getByRole("button", { name: "Add webhook" }).click();
  await form.getByText(/not allowed/).waitFor();
  await form.getByLabel("Address").fill("https://hook.invalid/alerts");
  await form.getByLabel("A model becomes champion or shadow of a deployment").check();
  await form.getByRole("button", { name: "Add webhook" }).click();
  await page.getByText(/^whsec_/).waitFor();
  await page.getByRole("button", { name: "I have it" }).click();
  const hook = page.getByRole("article", { name: "https://hook.invalid/alerts" });
  await hook.getByRole("button", { name: "Test" }).click();
  await hook.getByText(/^Waits, try/).first().waitFor();
  await hook.getByRole("button", { name: "Look" }).first().click();
  await page.getByRole("dialog").getByText(/"event":"ping"/).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await page.getByText(/^whsec_/).count(), 0);
});

test("a mail server is set, and its password is never shown", async () => {
  await b.open("/settings?tab=mail");
  await page.getByText("No letter can be sent until a mail server is set.").waitFor();
  await page.getByLabel("Mail server").fill("mail.invalid");
  await page.getByLabel("User").fill("saccade");
  await page.getByLabel("Password", { exact: true }).fill("not to be seen");
  await page.getByLabel("Letters are from").fill("saccade@example.org");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Letters of alerts go by this server.").waitFor();
  await page.getByPlaceholder(/^Kept/).waitFor();
  assert.ok(!(await page.content()).includes("not to be seen"));
  await page.getByLabel("Address for a test").fill("a@example.org");
  await page.getByRole("button", { name: "Send a test" }).click();
  await page.getByText("A letter from Saccade → a@example.org").waitFor();
  await until("it was tried", async () => (await api("GET", `/api/organization/${org}/letters`)).items[0].tries > 0);
});

const axe = readFileSync(createRequire(new URL("../../ui/package.json", import.meta.url)).resolve("axe-core/axe.min.js"), "utf8");
for (const scheme of ["light", "dark"])
  for (const width of [1280, 1920])
    test(`these pages are drawn in ${scheme} at ${width}, and keep nobody out`, async () => {
      await page.setViewportSize({ width, height: width === 1280 ? 800 : 1080 });
      await page.evaluate((s) => localStorage.setItem("saccade-scheme", s), scheme);
      for (const [name, path] of Object.entries({ alerts: rules, webhooks: "/settings?tab=webhooks", mail: "/settings?tab=mail", "home-alerts": "/" })) {
        await b.open(path);
        await page.waitForFunction(() => document.querySelector("main h2, main h1") && ![...document.querySelectorAll(".mantine-Skeleton-root")].some((e) => e.getClientRects().length));
        if (await page.getByRole("button", { name: "Log" }).count()) await page.getByRole("button", { name: "Log" }).first().click();
        await b.shot(`${name}-${scheme}-${width}`);
        assert.ok(!(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)), `${name} scrolls sideways`);
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa"] }, resultTypes: ["violations"] }));
        assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)}`), [], name);
      }
    });

test("nothing on these pages complained", () => assert.deepEqual(b.problems, []));
