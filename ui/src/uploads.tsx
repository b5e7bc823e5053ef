// Uploads to the datalake go on while other pages are looked at: a queue outside of the pages, and its panel.
import { ActionIcon, Button, Progress } from "@mantine/core";
import { useEffect, useSyncExternalStore } from "react";
import { ApiError, call, post } from "./api/client";
import { touch } from "./api/query";
import { storeFile } from "./api/upload";
import type { Data, Session } from "./api/types";
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

async function one(item: Item, signal: AbortSignal): Promise<void> {
  item.state = "sending";
  changed();
  try {
    const { session, file } = item;
    const object_name = await storeFile(file, { session, type: "DATA" }, (n) => { item.sent = n; changed(); }, signal);
    const data = await post<Data>(`/api/datalake/${session.datalake.id}/datas`, {
      type: "IMAGE",
      filename: file.name,
      object_name,
      content_type: file.type || "application/octet-stream",
      tags: item.tags,
      data_source_id: null,
    });
    if (data.upload_status === "ERROR") item.row = data.id;
    if (data.upload_status === "ERROR") throw new Error(data.error ?? "The file is not an image that can be read");
    item.sent = file.size;
    item.state = "done";
  } catch (e) {
    item.state = "failed";
    item.error = e instanceof ApiError ? [e.message, e.detail].filter(Boolean).join(". ") : e instanceof Error ? e.message : String(e);
  }
  changed();
}

async function work(signal: AbortSignal): Promise<void> {
  for (;;) {
    const item = items.find((i) => i.state === "waiting");
    if (!item || signal.aborted) return;
    await one(item, signal);
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
  const failed = items.filter((i) => i.state === "failed");
  const total = items.reduce((n, i) => n + i.file.size, 0);
  const sent = items.reduce((n, i) => n + (i.state === "done" ? i.file.size : Math.min(i.sent, i.file.size)), 0);
  const rate = started ? sent / ((performance.now() - started) / 1000) : 0;
  return (
    <section className="card" aria-label="Uploads" style={{ position: "fixed", right: 20, bottom: 20, width: 340, zIndex: 60, padding: "12px 14px", boxShadow: "var(--shadow-pop)" }}>
      <div style={{ display: "flex", alignItems: "center", gap: 8 }}>
        <b style={{ fontWeight: 600 }} data-testid="upload-state">
          {busy ? `Uploading ${done + failed.length} of ${items.length}` : failed.length ? `${plural(done, "file")} uploaded, ${failed.length} failed` : `${plural(done, "file")} uploaded`}
        </b>
        {!busy && !failed.length && <IconCheck size={16} color="var(--good)" />}
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
          <Progress value={total ? (100 * sent) / total : 0} size={5} mt={8} aria-label="Upload progress" />
          <div className="dim" style={{ marginTop: 5, fontSize: 12 }}>
            {bytes(sent)} of {bytes(total)}
            {rate > 0 && ` · ${bytes(rate)}/s`}
          </div>
        </>
      )}
      {failed.length > 0 && (
        <div style={{ marginTop: 8, maxHeight: 160, overflow: "auto" }}>
          {failed.slice(0, 20).map((f, i) => (
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
