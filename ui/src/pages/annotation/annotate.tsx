// Annotate the images of a dataset version.
import { Button, Group, Modal, Text, Tooltip } from "@mantine/core";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useParams, useSearch } from "wouter";
import { plural } from "../../kit/format";
import { Head } from "../../kit/head";
import { IconAlert, IconCheck, IconCloud, IconLock, IconPhoto, IconSave, IconWifiOff } from "../../kit/icons";
import { Empty, Fault, Kbd, Status } from "../../kit/parts";
import { useMayOn } from "../../kit/may";
import { toast } from "../../kit/toast";
import { navigate, setUrl } from "../../kit/url";
import { Bench, openOn, useEngine, type Item } from "./bench";
import { addLabel, freshAsset, placeOf, saveAnnotation, touch, useAssets, useLabels, useVersion } from "./data";
import { Keeper } from "./keeper";
import { docOf } from "./shapes";

const none: never[] = [];

export default function Annotate() {
  const { id = "" } = useParams();
  const search = new URLSearchParams(useSearch());
  const q = search.get("q") ?? "";
  const asset = search.get("asset");
  const index = Math.max(0, Number(search.get("i") ?? 0) || 0);
  const version = useVersion(id);
  const labels = useLabels(id);
  const rows = useAssets(id, q, index);
  const list = labels.data?.items ?? none;
  const may = useMayOn(version.data ? { kind: "dataset", id: version.data.origin_id } : null);
  const locked = !!version.data?.locked || !may("annotate"); // look only
  const { engine, room } = useEngine(list, locked);
  const [keeper] = useState(() => new Keeper(saveAnnotation, localStorage));
  useSyncExternalStore(keeper.subscribe, keeper.version);
  const now = rows.at(index);
  const shown = useRef("");

  const go = (i: number) => setUrl({ i: i ? String(i) : null, asset: rows.at(i)?.id ?? null });

  // A link may name the asset without its place, or the list may have changed since.
  const looked = useRef("");
  useEffect(() => {
    if (!asset || !now || now.id === asset || looked.current === asset) return;
    looked.current = asset;
    void placeOf(id, q, asset).then((i) => (i >= 0 ? setUrl({ i: i ? String(i) : null, asset }) : setUrl({ asset: now.id })));
  }, [asset, now, id, q]);

  const waitingForPlace = !!asset && !!now && now.id !== asset && looked.current !== now.id;
  useEffect(() => {
    if (!engine || !now || waitingForPlace || shown.current === now.id) return;
    if (shown.current) {
      keeper.leave(shown.current);
      void keeper.flush();
    }
    shown.current = now.id;
    const history = keeper.open(now.id, docOf(now.annotation), { revision: now.annotation?.revision ?? 0, status: now.annotation?.status ?? null });
    openOn(engine, itemOf(now), history);
    if (now.id !== asset) setUrl({ asset: now.id });
  });
  useEffect(() => {
    if (!engine) return;
    return engine.subscribe(() => shown.current && keeper.edit(shown.current, engine.state.history));
  }, [engine, keeper]);
  useEffect(
    () => () => {
      void keeper.flush().then(() => touch(`/api/dataset/version/${id}`));
    },
    [keeper, id],
  );
  useEffect(() => {
    const ask = (e: BeforeUnloadEvent) => {
      if (keeper.state.waiting) {
        void keeper.flush();
        e.preventDefault();
      }
    };
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [keeper]);

  const itemOf = (a: NonNullable<typeof now>): Item => {
    const status = keeper.status(a.id) ?? a.annotation?.status ?? null;
    return { id: a.id, dataId: a.data.id, name: a.data.filename, width: a.data.meta?.width ?? 1, height: a.data.meta?.height ?? 1, mark: status === "ACCEPTED" ? "done" : status === "SKIPPED" || status === "REFUSED" ? "skipped" : null };
  };
  const marks = keeper.version();
  const items = useMemo(
    () => ({ count: rows.count, want: rows.want, at: (i: number) => { const a = rows.at(i); return a && itemOf(a); } }),
    [rows.count, rows.want, rows.at, marks],
  );
  const finish = (status: "ACCEPTED" | "SKIPPED") => {
    if (!now || locked) return;
    if (engine?.finish()) return;
    keeper.setStatus(now.id, status);
    void keeper.flush();
    if (index + 1 < (rows.count ?? 0)) go(index + 1);
    else toast.done("That was the last image of this list");
  };
  const save = () => void keeper.flush(true);
  const status = now ? (keeper.status(now.id) ?? now.annotation?.status) : undefined;
  const v = version.data;
  const back = `/versions/${id}${q ? `?q=${encodeURIComponent(q)}` : ""}`;
  const error = version.error ?? rows.error ?? labels.error;
  return (
    <div className="page">
      <Head crumbs={[{ text: v?.origin_name ?? "…", ...(v ? { to: `/datasets/${v.origin_id}` } : {}) }, { text: v?.version ?? "…", to: back }, { text: now?.data.filename ?? "…" }]} id={now?.id} chips={<>{status && <Status of={status} word={status === "PENDING" ? "Not accepted yet" : undefined} />}{locked && <span className="chip" data-plain=""><IconLock size={12} /> {version.data?.locked ? "Locked: look only" : "Look only"}</span>}</>}>
        <SaveState keeper={keeper} onSave={save} />
        {!locked && (
          <>
            <Tooltip label={<>Nothing to annotate, or not usable <Kbd>S</Kbd></>}>
              <Button variant="default" onClick={() => finish("SKIPPED")} disabled={!now}>
                Skip
              </Button>
            </Tooltip>
            <Tooltip label={<>Right as it is; the next image <Kbd>Enter</Kbd></>}>
              <Button leftSection={<IconCheck size={15} />} onClick={() => finish("ACCEPTED")} disabled={!now}>
                Accept, next
              </Button>
            </Tooltip>
          </>
        )}
      </Head>
      {error ? (
        <div className="body">
          <Fault error={error} again={rows.again} />
        </div>
      ) : rows.count === 0 ? (
        <Empty icon={IconPhoto} title={q ? "Nothing matches this query" : "No images in this version"} action={<Button variant="default" onClick={() => navigate(back)}>Back to the version</Button>} />
      ) : (
        <Bench
          of="Annotation tool"
          engine={engine}
          room={room}
          items={items}
          index={index}
          go={go}
          labels={labels.data?.items}
          type={v?.type ?? "NOT_CONFIGURED"}
          readOnly={locked}
          {...(locked || !may("write") ? {} : { onNewLabel: (name: string) => addLabel(id, name) })}
          keys={[
            { keys: "Enter", says: "Accept, next image", run: () => finish("ACCEPTED") },
            { keys: "S", says: "Skip, next image", run: () => finish("SKIPPED") },
            { keys: "mod+S", says: "Save now", run: save },
          ]}
        />
      )}
      {now && keeper.inConflict(now.id) && engine && (
        <Conflict
          onTheirs={async () => {
            const a = await freshAsset(id, now.id);
            const history = keeper.takeTheirs(now.id, docOf(a?.annotation), { revision: a?.annotation?.revision ?? 0, status: a?.annotation?.status ?? null });
            engine.setHistory(history);
          }}
          onMine={async () => {
            const a = await freshAsset(id, now.id);
            await keeper.keepMine(now.id, a?.annotation?.revision ?? 0);
          }}
        />
      )}
    </div>
  );
}

function SaveState({ keeper, onSave }: { keeper: Keeper; onSave: () => void }) {
  const { word, waiting, problem } = keeper.state;
  const says = {
    saved: { text: "Saved", icon: IconCloud, colour: "var(--dim)" },
    saving: { text: "Saving…", icon: IconCloud, colour: "var(--dim)" },
    unsaved: { text: "Unsaved", icon: IconSave, colour: "var(--dim)" },
    offline: { text: `Offline, ${plural(waiting, "image")} waiting`, icon: IconWifiOff, colour: "var(--warn)" },
    conflict: { text: "Changed by someone else", icon: IconAlert, colour: "var(--warn)" },
    refused: { text: "Not saved", icon: IconAlert, colour: "var(--bad)" },
  }[word];
  return (
    <Tooltip label={problem ?? (word === "offline" ? "Edits are kept in this browser and saved when the server answers again" : word === "saved" ? "Everything is on the server" : "Save now, Ctrl S")} maw={320} multiline>
      <button type="button" onClick={onSave} data-testid="save-state" data-state={word} style={{ display: "flex", gap: 6, alignItems: "center", border: 0, background: "none", font: "inherit", color: says.colour, cursor: "pointer", padding: "4px 6px" }}>
        <says.icon size={16} />
        {says.text}
      </button>
    </Tooltip>
  );
}

function Conflict({ onTheirs, onMine }: { onTheirs: () => Promise<void>; onMine: () => Promise<void> }) {
  const [busy, setBusy] = useState(false);
  const run = (f: () => Promise<void>) => {
    setBusy(true);
    f()
      .catch(toast.failed)
      .finally(() => setBusy(false));
  };
  return (
    <Modal opened onClose={() => undefined} withCloseButton={false} closeOnEscape={false} title={<b style={{ fontWeight: 620, fontSize: 15 }}>Someone else has saved this image meanwhile</b>}>
      <Text size="sm">Your edits are not saved yet. Taking theirs loses your edits of this image; keeping yours replaces what they saved.</Text>
      <Group justify="flex-end" gap="xs" mt="md">
        <Button variant="default" loading={busy} onClick={() => run(onTheirs)}>
          Take theirs
        </Button>
        <Button loading={busy} onClick={() => run(onMine)}>
          Keep mine
        </Button>
      </Group>
    </Modal>
  );
}
