// What a dashboard is narrowed to, in one place: kept in the URL and sent to every panel.
import { ActionIcon, Button, Popover, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { count, exact, plural } from "../../kit/format";
import { IconCalendar, IconX } from "../../kit/icons";
import { QueryBar } from "../../kit/query-bar";
import { setUrl, useUrl } from "../../kit/url";
import { complete, useFilters, type Dashboard, type Deployment } from "./data";

export const spans = [
  { value: "3600", label: "Hour" },
  { value: "86400", label: "Day" },
  { value: "604800", label: "Week" },
  { value: "2592000", label: "Month" },
  { value: "31536000", label: "Year" },
  { value: "all", label: "All" },
];
const day = "86400";

/** As every panel's route takes it. */
export interface Filter {
  since?: string;
  until?: string;
  model_version_id?: string;
  slot?: string;
  source?: string;
  tag?: string;
  q?: string;
}

export function useFilter(): { span: string; filter: Filter; narrowed: boolean } {
  const [span] = useUrl("since", day);
  const [until] = useUrl("until");
  const [version] = useUrl("version");
  const [slot] = useUrl("slot");
  const [source] = useUrl("source");
  const [tag] = useUrl("tag");
  const [q] = useUrl("q");
  const filter = useMemo(() => {
    const all = { since: span === "all" ? "" : span, until, model_version_id: version, slot, source, tag, q };
    return Object.fromEntries(Object.entries(all).filter(([, v]) => v)) as Filter;
  }, [span, until, version, slot, source, tag, q]);
  return { span, filter, narrowed: !!(version || slot || source || tag || q) };
}

const local = (iso: string): string => {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? "" : new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

function Between({ since, until }: { since: string; until: string }) {
  const [open, setOpen] = useState(false);
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const own = !spans.some((s) => s.value === since) || !!until;
  const show = () => {
    setFrom(local(since));
    setTo(local(until));
    setOpen(!open);
  };
  const use = () => {
    setUrl({ since: from ? new Date(from).toISOString() : "all", until: to ? new Date(to).toISOString() : null });
    setOpen(false);
  };
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-start" trapFocus>
      <Popover.Target>
        {own ? (
          <Button size="compact-xs" variant="default" onClick={show} leftSection={<IconCalendar size={14} />}>
            {spans.some((s) => s.value === since) ? "" : exact(since)} – {until ? exact(until) : "now"}
          </Button>
        ) : (
          <ActionIcon size={28} variant="default" onClick={show} aria-label="From and to">
            <IconCalendar size={15} />
          </ActionIcon>
        )}
      </Popover.Target>
      <Popover.Dropdown>
        <form style={{ display: "grid", gap: 10 }} onSubmit={(e) => { e.preventDefault(); use(); }}>
          <TextInput type="datetime-local" label="From" size="xs" value={from} max={to || undefined} onChange={(e) => setFrom(e.currentTarget.value)} />
          <TextInput type="datetime-local" label="To" size="xs" value={to} min={from || undefined} onChange={(e) => setTo(e.currentTarget.value)} />
          <span style={{ display: "flex", gap: 8, justifyContent: "flex-end" }}>
            {own && <Button size="compact-xs" variant="subtle" onClick={() => { setUrl({ since: null, until: null }); setOpen(false); }}>Last day</Button>}
            <Button size="compact-xs" type="submit" disabled={!from && !to}>Show</Button>
          </span>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

export function Filters({ deployment: d, looked, error }: { deployment: Deployment; looked: Dashboard | undefined; error: string | null }) {
  const { span, filter, narrowed } = useFilter();
  const { data } = useFilters(d.id);
  const versions = data?.versions ?? [];
  const names = (list: readonly string[] | undefined, now: string | undefined) => [...new Set([...(list ?? []), ...(now ? [now] : [])])];
  const known = { champion: versions.filter((v) => v.slot === "champion"), shadow: versions.filter((v) => v.slot === "shadow") };
  const item = (v: (typeof versions)[number]) => ({ value: `${v.slot} ${v.model_version_id}`, label: v.name });
  const chosen = filter.model_version_id ? `${filter.slot ?? "champion"} ${filter.model_version_id}` : filter.slot === "shadow" ? "shadow" : null;
  const look = looked?.looked_at;
  return (
    <div style={{ display: "grid", gap: 6, marginBottom: 18 }} data-testid="filters">
      <div style={{ display: "flex", flexWrap: "wrap", gap: 8, alignItems: "center" }}>
        <SegmentedControl size="xs" value={filter.until ? "" : span} onChange={(v) => setUrl({ since: v === day ? null : v, until: null })} data={spans} aria-label="Span of time" />
        <Between since={span} until={filter.until ?? ""} />
        <Select size="xs" w={170} clearable searchable aria-label="Version" placeholder="Any version" value={chosen} comboboxProps={{ width: 240, position: "bottom-start" }}
          data={[{ group: "As champion", items: known.champion.map(item) }, ...(known.shadow.length ? [{ group: "As shadow", items: [{ value: "shadow", label: "Any shadow" }, ...known.shadow.map(item)] }] : [])]}
          onChange={(v) => { const [slot, version] = (v ?? "").split(" "); setUrl({ slot: slot === "shadow" ? slot : null, version: version ?? null }); }} />
        <Select size="xs" w={130} clearable searchable aria-label="Source" placeholder="Any source" data={names(data?.sources, filter.source)} value={filter.source ?? null} onChange={(v) => setUrl({ source: v })} />
        <Select size="xs" w={130} clearable searchable aria-label="Tag" placeholder="Any tag" data={names(data?.tags, filter.tag)} value={filter.tag ?? null} onChange={(v) => setUrl({ tag: v })} />
        <QueryBar of="prediction" value={filter.q ?? ""} onSubmit={(q) => setUrl({ q: q || null })} complete={complete} error={error} placeholder='Query, for example  nb_shapes > 3' />
        {narrowed && (
          <Button size="compact-xs" variant="subtle" leftSection={<IconX size={13} />} onClick={() => setUrl({ version: null, slot: null, source: null, tag: null, q: null })}>
            Clear
          </Button>
        )}
      </div>
      {(narrowed || (look && !look.all)) && look && (
        <span className="dim" style={{ fontSize: 12 }} data-testid="looked-at">
          {look.all ? plural(look.predictions, "prediction") : `There are more than ${count(look.predictions)} of these predictions: the newest ${count(look.predictions)} are looked at`}
        </span>
      )}
    </div>
  );
}
