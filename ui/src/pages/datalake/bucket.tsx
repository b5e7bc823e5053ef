// Import from a bucket: choose a connector, go through its folders, choose what becomes data.
import { Button, Checkbox, Select } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { Dialog } from "../../kit/dialog";
import { bytes } from "../../kit/format";
import { IconBucket, IconFile, IconFolder, IconPhoto } from "../../kit/icons";
import { Cut, Empty, Fault, Lines } from "../../kit/parts";
import { TagPick } from "../../kit/tag-pick";
import { toast } from "../../kit/toast";
import { importObjects, keepInStep, tagIds, useConnectors, useFolder, useSignedIn, useTags, type Connector, type ListedObject } from "./data";

const last = (key: string) => key.replace(/\/$/, "").split("/").pop() ?? key;

/** The folders on the way from the connector's prefix to the one at hand. */
function Way({ connector, at, go }: { connector: Connector; at: string; go: (prefix: string) => void }) {
  const parts = at.slice(connector.prefix.length).split("/").filter(Boolean);
  const to = (i: number) => connector.prefix + parts.slice(0, i + 1).map((p) => `${p}/`).join("");
  return (
    <nav aria-label="Folder" style={{ display: "flex", flexWrap: "wrap", gap: 4, alignItems: "center" }}>
      <Button variant="subtle" size="compact-xs" onClick={() => go(connector.prefix)}>{connector.bucket}{connector.prefix && `/${connector.prefix}`}</Button>
      {parts.map((p, i) => (
        <span key={to(i)} style={{ display: "inline-flex", alignItems: "center", gap: 4 }}>
          <span className="dim">/</span>
          <Button variant="subtle" size="compact-xs" onClick={() => go(to(i))}>{p}</Button>
        </span>
      ))}
    </nav>
  );
}

function Row({ o, chosen, onChoose, onOpen }: { o: ListedObject; chosen: boolean; onChoose: (on: boolean) => void; onOpen: () => void }) {
  const may = o.is_folder || o.is_image;
  return (
    <div style={{ display: "grid", gridTemplateColumns: "24px 20px 1fr auto", gap: 8, alignItems: "center", padding: "5px 10px", opacity: may ? 1 : 0.5 }}>
      <Checkbox size="xs" aria-label={`Import ${last(o.key)}`} checked={chosen} disabled={!may} onChange={(e) => onChoose(e.currentTarget.checked)} />
      {o.is_folder ? <IconFolder size={16} /> : o.is_image ? <IconPhoto size={16} /> : <IconFile size={16} />}
      {o.is_folder ? (
        <button type="button" style={{ border: 0, background: "none", padding: 0, font: "inherit", color: "inherit", textAlign: "left", cursor: "pointer", minWidth: 0 }} onClick={onOpen}>
          <Cut text={last(o.key)} style={{ fontWeight: 540 }} />
        </button>
      ) : (
        <Cut text={last(o.key)} />
      )}
      <span className="dim">{o.is_folder ? "" : bytes(o.size)}</span>
    </div>
  );
}

function Browser({ connector, at, go, chosen, onChosen }: { connector: Connector; at: string; go: (prefix: string) => void; chosen: readonly string[]; onChosen: (keys: string[]) => void }) {
  const [pages, setPages] = useState<(string | null)[]>([null]);
  const page = useFolder(connector.id, at, pages[pages.length - 1] ?? null);
  const open = (prefix: string) => {
    setPages([null]);
    go(prefix);
  };
  return (
    <div style={{ border: "1px solid var(--line)", borderRadius: 8, minHeight: 260 }}>
      <div style={{ padding: "6px 4px", borderBottom: "1px solid var(--line)" }}>
        <Way connector={connector} at={at} go={open} />
      </div>
      <div style={{ maxHeight: 280, overflow: "auto", padding: "4px 0" }}>
        {page.error ? <div style={{ padding: 10 }}><Fault error={page.error} again={() => void page.refetch()} /></div> : !page.data ? <div style={{ padding: 10 }}><Lines n={5} /></div> : page.data.objects.length === 0 ? <p className="dim" style={{ margin: 16, textAlign: "center" }}>Nothing is here.</p> : page.data.objects.map((o) => (
          <Row key={o.key} o={o} chosen={chosen.includes(o.key)} onChoose={(on) => onChosen(on ? [...chosen, o.key] : chosen.filter((k) => k !== o.key))} onOpen={() => open(o.key)} />
        ))}
      </div>
      {(pages.length > 1 || page.data?.next) && (
        <div style={{ display: "flex", gap: 8, justifyContent: "center", padding: 6, borderTop: "1px solid var(--line)" }}>
          <Button size="compact-xs" variant="default" disabled={pages.length === 1} onClick={() => setPages(pages.slice(0, -1))}>Previous</Button>
          <Button size="compact-xs" variant="default" disabled={!page.data?.next} onClick={() => setPages([...pages, page.data?.next ?? null])}>Next</Button>
        </div>
      )}
    </div>
  );
}

const often = [
  { value: "once", label: "Once" },
  { value: "sync", label: "Once, compared with what was imported before" },
  { value: "60", label: "Every hour" },
  { value: "1440", label: "Every day" },
];
const CHOSEN_MOST = 100; // prefixes of one import

export function ImportFromBucket({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { organization, datalake } = useSignedIn();
  const connectors = useConnectors(open ? organization.id : null);
  const tags = useTags(datalake.id);
  const [id, setId] = useState<string | null>(null);
  const [at, setAt] = useState<string | null>(null);
  const [chosen, setChosen] = useState<string[]>([]);
  const [names, setNames] = useState<string[]>([]);
  const [how, setHow] = useState("once");
  const all = connectors.data?.items ?? [];
  const connector = all.find((c) => c.id === id) ?? (all.length === 1 ? all[0] : undefined);
  const here = at ?? connector?.prefix ?? "";
  const run = async () => {
    if (!connector) return;
    const prefixes = chosen.length ? chosen : [here];
    const tag_ids = await tagIds(datalake.id, names);
    const every_minutes = Number(how);
    if (every_minutes) for (const prefix of prefixes) await keepInStep(datalake.id, { connector_id: connector.id, prefix, tag_ids, every_minutes });
    else await importObjects(datalake.id, { connector_id: connector.id, prefixes, tag_ids, sync: how === "sync" });
    toast.done("The import has begun; Jobs shows how far it is");
    setChosen([]);
  };
  const what = chosen.length ? `Import ${chosen.length} chosen` : here ? `Import all of ${last(here)}` : "Import the whole bucket";
  return (
    <Dialog open={open} onClose={onClose} size="xl" title="Import from a bucket" does={what} ready={!!connector && chosen.length <= CHOSEN_MOST} run={run}>
      {connectors.error ? <Fault error={connectors.error} /> : !connectors.data ? <Lines n={3} /> : all.length === 0 ? (
        <Empty icon={IconBucket} title="No other storage yet">
          An administrator makes connectors to buckets in <Link href="/settings?tab=storage">Settings</Link>. Their images become data without being copied.
        </Empty>
      ) : (
        <>
          <Select label="From" placeholder="Choose a connector" allowDeselect={false} data={all.map((c) => ({ value: c.id, label: `${c.name} (${c.bucket}/${c.prefix})` }))} value={connector?.id ?? null} onChange={(c) => { setId(c); setAt(null); setChosen([]); }} />
          {connector && <Browser key={connector.id} connector={connector} at={here} go={setAt} chosen={chosen} onChosen={setChosen} />}
          <TagPick label="Tags" known={tags.data?.items.map((t) => t.name) ?? []} value={names} onChange={setNames} />
          <Select label="How often" description={how === "once" ? "What is there already is not imported again." : "Also tells what has changed and what is gone since; what was deleted here is not brought back."} allowDeselect={false} data={often} value={how} onChange={(h) => setHow(h ?? "once")} />
        </>
      )}
    </Dialog>
  );
}
