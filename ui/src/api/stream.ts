// One stream of events for many pages: what they listen to together, who has heard what. Where it lives (a shared worker, or the page
// itself where there is none) is events.ts's affair. A page says its whole state each time, so that nothing has to be remembered about it.

/** What a page says: its topics, and the last event that it knows of. */
export interface Wish {
  topics: readonly string[];
  last: number;
}
/** What a page hears: an event, or that the stream had broken and some may have been missed. */
export type News = { id: number; topic: string; json: string } | "missed";

/** The part of EventSource that is used. */
export interface Source {
  readonly readyState: number;
  close(): void;
  addEventListener(type: string, f: (e: MessageEvent<string>) => void): void;
}

interface Listener {
  topics: ReadonlySet<string>;
  /** Events up to this one are known to it, or passed while nothing of its topics was among them. */
  last: number;
  tell: (news: News) => void;
  /** When it was last heard of. */
  seen: number;
  /** Its topics are among those of the open stream. */
  heard: boolean;
}

export interface Hub<Key> {
  wish(key: Key, wish: Wish, tell: (news: News) => void): void;
  leave(key: Key): void;
}

const CLOSED = 2;
/** So many topics the server takes; with more of them all are asked for. */
const TOPICS_MOST = 16;
/** A page says its wish again every half minute, and once a minute in the background; one that was silent for so long is gone. */
export const SAY_AGAIN_MS = 30_000;
const GONE_MS = 240_000;

export function hubOf<Key>(open: (url: string) => Source, now: () => number = Date.now): Hub<Key> {
  const listeners = new Map<Key, Listener>();
  let source: Source | null = null;
  let covered = "";
  let timer: ReturnType<typeof setTimeout> | undefined;

  const soon = (ms: number) => {
    timer ??= setTimeout(renew, ms);
  };

  const pass = (e: MessageEvent<string>, topic: string) => {
    const id = Number(e.lastEventId);
    for (const l of listeners.values()) {
      if (!l.heard || id <= l.last) continue;
      l.last = id;
      if (l.topics.has(topic)) l.tell({ id, topic, json: e.data });
    }
  };

  const dropGone = () => {
    for (const [key, l] of listeners) if (now() - l.seen > GONE_MS) listeners.delete(key);
  };

  function renew(): void {
    timer = undefined;
    dropGone();
    const topics = [...new Set([...listeners.values()].flatMap((l) => [...l.topics]))].sort();
    const want = topics.join(" ");
    if (want === covered && (source || !want)) {
      // What is open covers a newcomer, but may have passed what it does not know of.
      if ([...listeners.values()].every((l) => l.heard || !l.topics.size)) return;
    }
    source?.close();
    source = null;
    covered = want;
    if (!topics.length) return;
    const after = Math.min(...[...listeners.values()].filter((l) => l.topics.size).map((l) => l.last));
    const asked = topics.length > TOPICS_MOST ? [] : topics.map((t) => ["topic", t]);
    const opened = open(`/api/events?${new URLSearchParams([...asked, ["after", String(after)]])}`);
    source = opened;
    let before = false;
    opened.addEventListener("open", () => {
      if (before && source === opened) listeners.forEach((l) => l.tell("missed"));
      before = true;
    });
    // A browser comes back by itself after a broken connection, but not after an answer such as a proxy's 502.
    opened.addEventListener("error", () => {
      if (source !== opened || opened.readyState !== CLOSED) return;
      source = null;
      covered = "";
      soon(5000);
    });
    for (const topic of topics) opened.addEventListener(topic, (e) => source === opened && pass(e, topic));
    for (const l of listeners.values()) l.heard = true;
  }

  return {
    wish(key, { topics, last }, tell) {
      const old = listeners.get(key);
      const set = new Set(topics);
      const covers = !!old && [...set].every((t) => old.topics.has(t));
      listeners.set(key, { topics: set, last: Math.max(last, covers ? old.last : 0), tell, seen: now(), heard: covers && old.heard });
      soon(30);
    },
    leave(key) {
      if (listeners.delete(key)) soon(200);
    },
  };
}
