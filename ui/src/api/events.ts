// Live pages: one EventSource for all topics that anybody on the page watches.
// Every stream begins after the last event that the page knows of, so that nothing is lost between asking for something and listening.

type Listener = (data: unknown) => void;

const listeners = new Map<string, Set<Listener>>();
let source: EventSource | null = null;
let open = "";
let timer: ReturnType<typeof setTimeout> | undefined;
let last = 0;
let missed = () => {};

function hear(topic: string) {
  return (e: MessageEvent<string>) => {
    heardUpTo(Number(e.lastEventId));
    let data: unknown;
    try {
      data = JSON.parse(e.data);
    } catch {
      return;
    }
    for (const f of [...(listeners.get(topic) ?? [])]) f(data);
  };
}

function reopen(): void {
  timer = undefined;
  const topics = [...listeners.keys()].sort();
  const want = topics.join(" ");
  if (want === open) return;
  source?.close();
  open = want;
  source = null;
  if (!topics.length) return;
  const search = new URLSearchParams([...topics.map((t) => ["topic", t]), ["after", String(last)]]);
  const opened = new EventSource(`/api/events?${search}`);
  let before = false;
  opened.onopen = () => {
    if (before) missed();
    before = true;
  };
  // A browser comes back by itself after a broken connection, but not after an answer such as a proxy's 502.
  opened.onerror = () => {
    if (source !== opened || opened.readyState !== EventSource.CLOSED) return;
    open = "";
    timer ??= setTimeout(reopen, 5000);
  };
  source = opened;
  for (const topic of topics) source.addEventListener(topic, hear(topic));
}

/** What happened up to this event is known. */
export function heardUpTo(id: number): void {
  if (id > last) last = id;
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
  timer ??= setTimeout(reopen, 30);
  return () => {
    set.delete(f);
    if (!set.size && listeners.get(topic) === set) listeners.delete(topic);
    timer ??= setTimeout(reopen, 200);
  };
}

/** Ends the stream at once: on sign-out. */
export function closeEvents(): void {
  source?.close();
  source = null;
  open = "";
}
