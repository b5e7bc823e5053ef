// Live pages: what anybody on this page watches is heard by the one stream of the browser (stream.ts), since a browser opens no more than
// six connections to a host. Nothing is lost between asking for something and listening: the stream begins after the last event known here.
import { hubOf, SAY_AGAIN_MS, type News, type Wish } from "./stream";

type Listener = (data: unknown) => void;
/** Where wishes go; gives the function that takes leave. */
interface Line {
  say: (wish: Wish) => void;
  bye: () => void;
}

const listeners = new Map<string, Set<Listener>>();
let line: Line | null = null;
let who = "";
let last = 0;
let said = "";
let timer: ReturnType<typeof setTimeout> | undefined;
let missed = () => {};

function hear(news: News): void {
  if (news === "missed") return missed();
  heardUpTo(news.id);
  let data: unknown;
  try {
    data = JSON.parse(news.json);
  } catch {
    return;
  }
  for (const f of [...(listeners.get(news.topic) ?? [])]) f(data);
}

/** The worker that all tabs of this user share. */
function shared(): Line {
  const worker = new SharedWorker(new URL("./stream-worker.ts", import.meta.url), { type: "module", name: `saccade ${who}` });
  worker.port.onmessage = (e: MessageEvent<News>) => hear(e.data);
  return {
    say: (wish) => worker.port.postMessage(wish),
    bye: () => {
      worker.port.postMessage("bye");
      worker.port.close();
    },
  };
}

/** Without shared workers (browsers of phones) a stream of its own, as long as the page is looked at. */
function own(): Line {
  const hub = hubOf<string>((url) => new EventSource(url));
  return { say: (wish) => (document.hidden ? hub.leave("") : hub.wish("", wish, hear)), bye: () => hub.leave("") };
}

function say(again = false): void {
  clearTimeout(timer);
  timer = undefined;
  const topics = [...listeners.keys()].sort();
  const wish = topics.join(" ");
  if (!who || (!again && wish === said) || (!line && !topics.length)) return;
  said = wish;
  line ??= typeof SharedWorker === "undefined" ? own() : shared();
  line.say({ topics, last });
}
const soon = (ms: number) => {
  timer ??= setTimeout(say, ms);
};

function hangUp(): void {
  line?.bye();
  line = null;
  said = "";
}

/** What happened up to this event is known. */
export function heardUpTo(id: number): void {
  if (id > last) last = id;
}

/** Whose events these are: tabs of somebody else share nothing with this one. */
export function listenAs(user: string): void {
  if (user === who) return;
  hangUp();
  who = user;
  soon(0);
}

/** Calls f when a stream that had broken is back: after a long silence the server no longer has all that was missed. */
export function onReturn(f: () => void): void {
  missed = f;
}

/** Calls f for each event of the topic; gives the function that ends it. */
export function subscribe(topic: string, f: Listener): () => void {
  const set = listeners.get(topic) ?? new Set<Listener>();
  set.add(f);
  listeners.set(topic, set);
  soon(30);
  return () => {
    set.delete(f);
    if (!set.size && listeners.get(topic) === set) listeners.delete(topic);
    soon(200);
  };
}

/** Ends the stream at once: on sign-out. */
export function closeEvents(): void {
  hangUp();
  who = "";
}

// A page that is left lets go, so that one in the back/forward cache holds nothing; shown again, it asks for what it missed.
if (typeof window !== "undefined") {
  window.addEventListener("pagehide", hangUp);
  window.addEventListener("pageshow", (e) => {
    if (!e.persisted) return;
    say(true);
    missed();
  });
  document.addEventListener("visibilitychange", () => line && say(true));
  setInterval(() => line && say(true), SAY_AGAIN_MS);
}
