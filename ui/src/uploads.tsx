// Uploads to the datalake go on while other pages are looked at: a queue outside of the pages, and its panel.
import { ActionIcon, Button, Progress } from "@mantine/core";
import { useEffect, useSyncExternalStore } from "react";
import { ApiError, call, post } from "./api/client";
import { touch } from "./api/query";
import { PART, linksFor, sendByLink, storeFile } from "./api/upload";
import type { Data, RegisteredFile, Session } from "./api/types";
import { bytes, plural } from "./kit/format";
import { IconAlert, IconCheck, IconX } from "./kit/icons";
import { Cut } from "./kit/parts";

interface Item {
  file: File;
  session: Session;
  tags: string[];
  sent: number;
  state: "waiting" | "sending" | "done" | "failed";
  error?: string;
  /** What the server keeps of a file that is no image. */
  row?: string;
}

const AT_ONCE = 4;
const BATCH_FILES = 25;
const BATCH_BYTES = 32 * 1024 * 1024;
let items: Item[] = [];
let started = 0;
let version = 0;
let stop = new AbortController();
const watchers = new Set<() => void>();
let pending = false;

function changed(): void {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => {
    pending = false;
    version++;
    watchers.forEach((w) => w());
  });
}

const typeOf = (file: File) => file.type || "application/octet-stream";

function failed(item: Item, e: unknown): void {
  item.state = "failed";
  item.error = e instanceof ApiError ? [e.message, e.detail].filter(Boolean).join(". ") : e instanceof Error ? e.message : String(e);
  changed();
}

function registered(item: Item, data: { id: string; upload_status: string; error?: string | null }): void {
  if (data.upload_status === "ERROR") {
    item.row = data.id;
    return failed(item, new Error(data.error ?? "The file is not an image that can be read"));
  }
  item.sent = item.file.size;
  item.state = "done";
  changed();
}

const sent = (item: Item) => (n: number) => {
  item.sent = n;
  changed();
};

/** A large file, or one with a name that may be refused. */
async function one(item: Item, signal: AbortSignal): Promise<void> {
  const { session, file, tags } = item;
  try {
    const object_name = await storeFile(file, { session, type: "DATA" }, sent(item), signal);
    registered(item, await post<Data>(`/api/datalake/${session.datalake.id}/datas`, { type: "IMAGE", filename: file.name, object_name, content_type: typeOf(file), tags }));
  } catch (e) {
    failed(item, e);
  }
}

/** Small files: their links by one request, and what has arrived of them is registered by another. */
async function many(first: Item, batch: readonly Item[], signal: AbortSignal): Promise<void> {
  const { session, tags } = first;
  const arrived: { item: Item; object_name: string }[] = [];
  try {
    const links = await linksFor(batch.map((i) => i.file), { session, type: "DATA" }).catch((e: unknown) => {
      if (e instanceof ApiError && e.status === 400) return null; // of one of the names
      throw e;
    });
    for (const [k, item] of batch.entries()) {
      const link = links?.[k];
      if (!link) await one(item, signal);
      else
        await sendByLink(item.file, link, sent(item), signal).then(
          () => arrived.push({ item, object_name: link.object_name }),
          (e: unknown) => failed(item, e),
        );
    }
    if (!arrived.length || signal.aborted) return;
    const files = arrived.map(({ item, object_name }) => ({ filename: item.file.name, object_name, content_type: typeOf(item.file) }));
    const rows = await post<RegisteredFile[]>(`/api/datalake/${session.datalake.id}/datas/bulk`, { files, tags });
    rows.forEach((row, k) => arrived[k] && registered(arrived[k].item, row));
  } catch (e) {
    batch.filter((i) => i.state === "sending").forEach((i) => failed(i, e));
  }
}

/** The next files for one worker: a large one alone, or small ones that belong together, so few that the others get their share. */
function next(): Item[] {
  const waiting = items.filter((i) => i.state === "waiting");
  const [first] = waiting;
  if (!first || first.file.size > PART) return first ? [first] : [];
  const most = Math.min(BATCH_FILES, Math.ceil(waiting.length / AT_ONCE));
  const batch: Item[] = [];
  let size = 0;
  for (const i of waiting) {
    size += i.file.size;
    if (batch.length >= most || (batch.length && size > BATCH_BYTES) || i.tags !== first.tags || i.session !== first.session) break;
    batch.push(i);
  }
  return batch;
}

async function work(signal: AbortSignal): Promise<void> {
  for (;;) {
    const batch = next();
    const [first] = batch;
    if (!first || signal.aborted) return;
    batch.forEach((i) => (i.state = "sending"));
    changed();
    await (first.file.size > PART ? one(first, signal) : many(first, batch, signal));
  }
}

let workers = 0;
let lastTouch = 0;
function go(): void {
  if (!started) started = performance.now();
  while (workers < AT_ONCE && items.filter((i) => i.state === "waiting").length > 0 && workers < items.length) {
    workers++;
    void work(stop.signal).finally(() => {
      workers--;
      if (!workers) {
        started = 0;
        touch("/api/datalake", "/api/jobs");
      } else if (performance.now() - lastTouch > 3000) {
        lastTouch = performance.now();
        touch("/api/datalake");
      }
      changed();
    });
  }
}

/** Adds files to the queue; each gets the tags once it is there. */
export function upload(files: readonly File[], session: Session, tags: string[]): void {
  if (!items.some((i) => i.state === "waiting" || i.state === "sending")) {
    items = [];
    stop = new AbortController();
  }
  items = [...items, ...files.map((file): Item => ({ file, session, tags, sent: 0, state: "waiting" }))];
  changed();
  go();
}

function retry(): void {
  for (const i of items) if (i.row) void call("DELETE", `/api/datalake/${i.session.datalake.id}/datas`, { body: { ids: [i.row] } }).catch(() => undefined); // it comes again
  stop = new AbortController();
  items = items.filter((i) => i.state !== "done").map(({ file, session, tags }) => ({ file, session, tags, state: "waiting", sent: 0 }));
  changed();
  go();
}

function cancel(): void {
  stop.abort();
  items = items.filter((i) => i.state === "done" || i.state === "failed");
  changed();
}

export function UploadPanel() {
  useSyncExternalStore((w) => { watchers.add(w); return () => watchers.delete(w); }, () => version);
  const busy = items.some((i) => i.state === "waiting" || i.state === "sending");
  useEffect(() => {
    if (!busy) return;
    const ask = (e: BeforeUnloadEvent) => e.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [busy]);
  if (!items.length) return null;
  const done = items.filter((i) => i.state === "done").length;
  const lost = items.filter((i) => i.state === "failed");
  const total = items.reduce((n, i) => n + i.file.size, 0);
  const arrived = items.reduce((n, i) => n + (i.state === "done" ? i.file.size : Math.min(i.sent, i.file.size)), 0);
  const rate = started ? arrived / ((performance.now() - started) / 1000) : 0;
  return (
    <section className="card" aria-label="Uploads" style={{ position: "fixed", right: 20, bottom: 20, width: 340, zIndex: 60, padding: "12px 14px", boxShadow: "var(--shadow-pop)" }}>
      <div style={{ display: "flex", alignItems: "center", gap: 8 }}>
        <b style={{ fontWeight: 600 }} data-testid="upload-state">
          {busy ? `Uploading ${done + lost.length} of ${items.length}` : lost.length ? `${plural(done, "file")} uploaded, ${lost.length} failed` : `${plural(done, "file")} uploaded`}
        </b>
        {!busy && !lost.length && <IconCheck size={16} color="var(--good)" />}
        <span style={{ flex: 1 }} />
        {busy ? (
          <Button variant="default" size="compact-xs" onClick={cancel}>
            Cancel
          </Button>
        ) : (
          <ActionIcon size={24} aria-label="Close" onClick={() => { items = []; changed(); }}>
            <IconX size={15} />
          </ActionIcon>
        )}
      </div>
      {busy && (
        <>
          <Progress value={total ? (100 * arrived) / total : 0} size={5} mt={8} aria-label="Upload progress" />
          <div className="dim" style={{ marginTop: 5, fontSize: 12 }}>
            {bytes(arrived)} of {bytes(total)}
            {rate > 0 && ` · ${bytes(rate)}/s`}
          </div>
        </>
      )}
      {lost.length > 0 && (
        <div style={{ marginTop: 8, maxHeight: 160, overflow: "auto" }}>
          {lost.slice(0, 20).map((f, i) => (
            <div key={i} style={{ display: "grid", gridTemplateColumns: "16px 1fr", gap: 6, padding: "4px 0", fontSize: 12 }}>
              <IconAlert size={14} color="var(--bad)" />
              <div style={{ minWidth: 0 }}>
                <Cut text={f.file.name} />
                <div className="dim">{f.error}</div>
              </div>
            </div>
          ))}
          {!busy && (
            <Button variant="default" size="compact-xs" mt={4} onClick={retry}>
              Try the failed ones again
            </Button>
          )}
        </div>
      )}
    </section>
  );
}
