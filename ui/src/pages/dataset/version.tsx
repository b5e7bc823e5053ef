// A dataset version: its assets with their shapes, its analytics, its settings.
import { ActionIcon, Button, Menu, SegmentedControl, Slider, Text } from "@mantine/core";
import { useMemo, useState } from "react";
import { useParams } from "wouter";
import { Dialog } from "../../kit/dialog";
import { count as n, countWords, plural, typeWord } from "../../kit/format";
import { Grid, chosenCount, nothing, type Choice } from "../../kit/grid";
import { IconDownload, IconEdit, IconLock, IconPhoto, IconUpload, IconX } from "../../kit/icons";
import { useKeys } from "../../kit/keys";
import { labelColours } from "../../kit/palette";
import { May } from "../../kit/may";
import { Page } from "../../kit/page";
import { Empty, Fault } from "../../kit/parts";
import { QueryBar } from "../../kit/query-bar";
import { toast } from "../../kit/toast";
import { navigate, setUrl, useUrl } from "../../kit/url";
import { Analytics } from "./analytics";
import { assetIds, complete, removeAssets, useAssets, useLabels, useLiveVersion, useSignedIn, useVersion } from "./data";
import { exportAnnotations, formats, type Format } from "./export";
import { ImportDialog } from "./import";
import { assetTile } from "./parts";
import { VersionSettings } from "./settings";

export default function VersionPage() {
  const { id = "" } = useParams();
  const version = useVersion(id);
  const [importing, setImporting] = useState(false);
  useLiveVersion(id);
  const v = version.data;
  const session = useSignedIn();
  return (
    <>
      <Page
        crumbs={[{ text: "Datasets", to: "/datasets" }, { text: v?.origin_name ?? "…", ...(v ? { to: `/datasets/${v.origin_id}` } : {}) }, { text: v?.version ?? "…" }]}
        id={id}
        chips={
          v && (
            <>
              <span className="chip" data-plain="">{typeWord(v.type)}</span>
              {v.locked && (
                <span className="chip" data-plain="">
                  <IconLock size={12} /> Locked
                </span>
              )}
            </>
          )
        }
        on={v ? { kind: "dataset", id: v.origin_id } : null}
        uses={
          <>
            <Menu>
              <Menu.Target>
                <Button variant="default">Annotations</Button>
              </Menu.Target>
              <Menu.Dropdown>
                <May to="write">
                <Menu.Item leftSection={<IconUpload size={14} />} disabled={!!v?.locked} onClick={() => setImporting(true)}>
                    Import…
                  </Menu.Item>
                  <Menu.Divider />
              </May>
                {(Object.keys(formats) as Format[]).map((type) => (
                  <Menu.Item key={type} leftSection={<IconDownload size={14} />} onClick={() => void exportAnnotations(session, id, type)}>
                    Export as {formats[type]}
                  </Menu.Item>
                ))}
              </Menu.Dropdown>
            </Menu>
            <May to="annotate">
              <Button leftSection={<IconEdit size={15} />} disabled={!v?.nb_assets} onClick={() => navigate(`/annotate/${id}`)}>
                Annotate
              </Button>
            </May>
          </>
        }
        of={[version]}
        tabs={[
          { key: "assets", text: "Assets", mark: v?.nb_assets !== undefined && n(v.nb_assets), whole: true, show: () => <Assets id={id} locked={!!v?.locked} /> },
          { key: "analytics", text: "Analytics", whole: true, show: () => <Analytics id={id} onLabel={(label) => setUrl({ tab: null, q: `annotations.rectangles.label.name = "${label}"` }, { push: true })} /> },
          { key: "settings", text: "Settings", needs: "write", whole: true, show: () => v && <VersionSettings version={v} /> },
        ]}
      />
      <ImportDialog version={id} annotated={v?.nb_annotated ?? 0} open={importing} onClose={() => setImporting(false)} />
    </>
  );
}

function Assets({ id, locked }: { id: string; locked: boolean }) {
  const [q, setQ] = useUrl("q");
  const [size, setSize] = useUrl("size", "240");
  const [show, setShow] = useUrl("shapes", "on");
  const rows = useAssets(id, q);
  const labels = useLabels(id);
  const session = useSignedIn();
  const [choice, setChoice] = useState<Choice>(nothing);
  const [removing, setRemoving] = useState(false);
  const px = Number(size) || 240;
  const colours = useMemo(() => labelColours(labels.data?.items ?? []), [labels.data]);
  const total = rows.count ?? 0;
  const chosen = chosenCount(choice, total);
  const at = (i: number) => {
    const a = rows.at(i);
    if (!a) return undefined;
    const tile = assetTile(a, colours, px);
    return show === "on" ? tile : { ...tile, boxes: [], lines: [] };
  };
  useKeys("Assets", [
    { keys: "/", says: "Write a query" },
    { keys: "Enter", says: "Annotate the image" },
    { keys: "X", says: "Choose the image" },
    { keys: "mod+A", says: "Choose all of the query", run: () => setChoice({ all: true, ids: new Set() }) },
    { keys: "Escape", says: "Choose nothing", run: () => setChoice(nothing) },
  ]);
  const ids = async () => (choice.all ? assetIds(id, q) : [...choice.ids]);
  const wrongQuery = rows.error?.status === 400 && q ? [rows.error.message, rows.error.detail].filter(Boolean).join(". ") : null;
  if (rows.count === 0 && !q)
    return (
      <Empty icon={IconPhoto} title="No images in this version" action={<Button size="sm" onClick={() => navigate("/datalake")}>Choose images in the datalake</Button>}>
        Choose images in the datalake, then “Add to a version”. They arrive here within seconds.
      </Empty>
    );
  return (
    <div className="fill">
      <div className="bar">
        <QueryBar of="asset" value={q} onSubmit={(t) => { setChoice(nothing); setQ(t); }} complete={complete} error={wrongQuery} placeholder='Search, for example  annotations.rectangles.label.name = "car"' />
        <Slider thumbLabel="Size of the pictures" w={90} size={3} thumbSize={14} min={130} max={480} step={10} label={null} value={px} onChange={(v) => setSize(String(v))} />
        <SegmentedControl size="xs" value={show} onChange={setShow} data={[{ value: "on", label: "Shapes" }, { value: "off", label: "Images" }]} aria-label="Show shapes" />
      </div>
      {chosen > 0 ? (
        <div className="choice-bar">
          <b>{countWords(chosen, choice.all && rows.atLeast, "image")} chosen</b>
          {!choice.all && chosen < total && (
            <Button variant="subtle" size="compact-xs" onClick={() => setChoice({ all: true, ids: new Set() })}>
              Choose all{rows.atLeast ? "" : ` ${n(total)}`}
            </Button>
          )}
          <span style={{ flex: 1 }} />
          <Menu>
            <Menu.Target>
              <Button variant="subtle" leftSection={<IconDownload size={15} />}>
                Export annotations
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {(Object.keys(formats) as Format[]).map((type) => (
                <Menu.Item key={type} onClick={() => void ids().then((list) => exportAnnotations(session, id, type, list), toast.failed)}>
                  {formats[type]}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
          <May to="write">
            <Button variant="subtle" color="red" disabled={locked} onClick={() => setRemoving(true)}>
              Remove
            </Button>
          </May>
          <ActionIcon onClick={() => setChoice(nothing)} aria-label="Choose nothing">
            <IconX size={16} />
          </ActionIcon>
        </div>
      ) : (
        q && rows.count !== undefined && <div className="bar dim" style={{ paddingTop: 0, minHeight: 20 }}>{countWords(total, rows.atLeast, "image")} found</div>
      )}
      {rows.error && !wrongQuery ? (
        <div className="body">
          <Fault error={rows.error} again={rows.again} />
        </div>
      ) : rows.count === 0 ? (
        <Empty icon={IconPhoto} title="Nothing matches this query" action={<Button variant="default" onClick={() => setQ(null)}>Clear the query</Button>} />
      ) : (
        <Grid label="Assets" count={rows.count} at={at} want={rows.want} size={px} choice={choice} onChoose={setChoice} onOpen={(_, t) => navigate(`/annotate/${id}?asset=${t.id}${q ? `&q=${encodeURIComponent(q)}` : ""}`)} />
      )}
      <Dialog
        open={removing}
        onClose={() => setRemoving(false)}
        title={`Remove ${plural(chosen, "image")} from this version`}
        does={`Remove ${plural(chosen, "image")}`}
        danger
        run={async () => {
          await removeAssets(id, await ids());
          setChoice(nothing);
        }}
      >
        <Text size="sm">Their annotations in this version are lost. The images stay in the datalake.</Text>
      </Dialog>
    </div>
  );
}

