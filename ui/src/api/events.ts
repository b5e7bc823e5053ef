// Live pages: one EventSource for all topics that anybody on the page watches.

type Listener = (data: unknown) => void;

const listeners = new Map<string, Set<Listener>>();
let source: EventSource | null = null;
let open = "";
let timer: ReturnType<typeof setTimeout> | undefined;

function hear(topic: string) {
  return (e: MessageEvent<string>) => {
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
  const search = new URLSearchParams(topics.map((t) => ["topic", t]));
  source = new EventSource(`/api/events?${search}`);
  for (const topic of topics) source.addEventListener(topic, hear(topic));
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
