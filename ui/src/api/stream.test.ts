import assert from "node:assert/strict";
import { test } from "node:test";
import { hubOf, type News, type Source } from "./stream";

/** A server's stream by hand. */
class Line implements Source {
  readyState = 1;
  closed = false;
  readonly topics: string[];
  readonly after: number;
  private on = new Map<string, ((e: MessageEvent<string>) => void)[]>();
  constructor(url: string) {
    const search = new URL(url, "http://x").searchParams;
    this.topics = search.getAll("topic");
    this.after = Number(search.get("after"));
  }
  close() {
    this.closed = true;
  }
  addEventListener(type: string, f: (e: MessageEvent<string>) => void) {
    this.on.set(type, [...(this.on.get(type) ?? []), f]);
  }
  send(type: string, id = 0) {
    for (const f of this.on.get(type) ?? []) f({ lastEventId: String(id), data: `{"n":${id}}` } as MessageEvent<string>);
  }
}
const pause = (ms: number) => new Promise((r) => setTimeout(r, ms));
const ids = (heard: News[]) => heard.map((n) => (n === "missed" ? n : n.id));

function begin(now?: () => number) {
  const lines: Line[] = [];
  const hub = hubOf<string>((url) => { const l = new Line(url); lines.push(l); return l; }, now);
  const heard: Record<string, News[]> = {};
  const wish = (who: string, topics: string[], last: number) => hub.wish(who, { topics, last }, (n) => (heard[who] ??= []).push(n));
  return { lines, hub, heard, wish, open: () => lines.filter((l) => !l.closed) };
}

test("many pages share one stream, and each hears its topics only", async () => {
  const { lines, heard, wish, open } = begin();
  for (let i = 0; i < 8; i++) wish(`tab${i}`, i ? ["job"] : ["job", "experiment:1"], 10);
  await pause(60);
  assert.equal(lines.length, 1);
  assert.deepEqual(lines[0]?.topics, ["experiment:1", "job"]);
  assert.equal(lines[0]?.after, 10);
  open()[0]?.send("job", 11);
  open()[0]?.send("experiment:1", 12);
  assert.deepEqual(ids(heard["tab0"] ?? []), [11, 12]);
  assert.deepEqual(ids(heard["tab7"] ?? []), [11]);
});

test("a page that comes later gets what it missed, and nobody hears anything twice", async () => {
  const { lines, heard, wish, open } = begin();
  wish("a", ["job"], 10);
  await pause(60);
  open()[0]?.send("job", 15);
  wish("b", ["job", "data"], 12);
  open()[0]?.send("job", 16); // before the stream is renewed: b is not told yet, and must not lose it
  await pause(60);
  assert.equal(open().length, 1);
  assert.equal(lines[1]?.after, 12);
  for (const id of [15, 16, 17]) open()[0]?.send("job", id);
  assert.deepEqual(ids(heard["a"] ?? []), [15, 16, 17]);
  assert.deepEqual(ids(heard["b"] ?? []), [15, 16, 17]);
});

test("the stream ends with the last page, and a page that fell silent counts no more", async () => {
  let t = 0;
  const { hub, wish, open } = begin(() => t);
  wish("crashed", ["gone"], 1);
  wish("a", ["job"], 1);
  await pause(60);
  assert.deepEqual(open()[0]?.topics, ["gone", "job"]);
  t = 300_000;
  wish("a", ["job", "data"], 1);
  await pause(60);
  assert.deepEqual(open()[0]?.topics, ["data", "job"]);
  hub.leave("a");
  await pause(300);
  assert.equal(open().length, 0);
});

test("more topics than the server takes are heard by asking for all", async () => {
  const { wish, heard, open } = begin();
  for (let i = 0; i < 20; i++) wish(`tab${i}`, [`experiment:${i}`], 1);
  await pause(60);
  assert.deepEqual(open()[0]?.topics, []);
  open()[0]?.send("experiment:19", 2);
  assert.deepEqual(ids(heard["tab19"] ?? []), [2]);
  assert.equal(heard["tab0"], undefined);
});

test("a stream that breaks and comes back says so; one that is refused is opened again", async () => {
  const { heard, wish, open, lines } = begin();
  wish("a", ["job"], 1);
  await pause(60);
  open()[0]?.send("open");
  assert.equal(heard["a"], undefined);
  open()[0]?.send("open");
  assert.deepEqual(heard["a"], ["missed"]);
  const first = lines[0];
  assert.ok(first);
  first.readyState = 2;
  first.send("error");
  await pause(5200);
  assert.equal(lines.length, 2);
});
