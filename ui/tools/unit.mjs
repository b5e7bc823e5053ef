// Bundles every *.test.ts under src/ and runs it with Node's test runner.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const tests = readdirSync("src", { recursive: true })
  .map(String)
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => join("src", name));
if (!tests.length) throw new Error("no *.test.ts under src/");
const out = mkdtempSync(join(tmpdir(), "saccade-unit-")); // newer runners look for no test under node_modules;
try {
  await build({
    entryPoints: tests,
    outdir: out,
    bundle: true,
    platform: "node",
    format: "esm",
    outExtension: { ".js": ".mjs" },
    logLevel: "warning",
  });
  const files = readdirSync(out, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".mjs"))
    .map((name) => join(out, name));
  const run = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
