import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../api/client";
import { Sender } from "./sender";

const nothing = () => undefined;
const soon = () => new Promise((r) => setTimeout(r, 5));

test("what was done is sent in the order it was done, one at a time", async () => {
  const s = new Sender();
  const log: string[] = [];
  const slow = (name: string, ms: number) => async () => {
    log.push(`${name} begins`);
    await new Promise((r) => setTimeout(r, ms));
    log.push(`${name} ends`);
  };
  s.add("a", slow("a", 8), nothing);
  s.add("b", slow("b", 1), nothing);
  s.add("a", slow("a back", 1), nothing);
  assert.equal(s.state.waiting, 3);
  await s.idle();
  assert.deepEqual(log, ["a begins", "a ends", "b begins", "b ends", "a back begins", "a back ends"]);
  assert.deepEqual(s.state, { waiting: 0, problem: null, offline: false });
});

test("one that is refused keeps those behind it, until it is tried again or given up", async () => {
  const s = new Sender();
  const log: string[] = [];
  let open = false;
  const guarded = (name: string) => async () => {
    if (!open) throw new ApiError(409, "somebody was faster", "", "POST /x");
    log.push(name);
  };
  s.add("a", guarded("a"), () => log.push("a is shown again"));
  s.add("b", guarded("b"), nothing);
  await soon();
  assert.deepEqual(s.state, { waiting: 2, problem: "somebody was faster", offline: false });
  s.add("a", guarded("a back"), () => log.push("a is as it was"));
  await soon();
  assert.equal(s.state.waiting, 3);
  open = true;
  s.giveUp();
  await s.idle();
  assert.deepEqual(log, ["a is as it was", "a is shown again", "b"]);
});

test("a server that does not answer is asked again by itself", async () => {
  const s = new Sender(3);
  let tries = 0;
  s.add("a", async () => { if (++tries < 3) throw new ApiError(0, "The server does not answer", "", "POST /x"); }, nothing);
  await soon();
  assert.ok(s.state.offline || tries === 3);
  await s.idle();
  assert.equal(tries, 3);
  assert.equal(s.state.problem, null);
});
