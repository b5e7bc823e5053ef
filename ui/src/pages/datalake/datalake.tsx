// The datalake: every image once; search, tag, upload, make datasets.
import { ActionIcon, Button, FileButton, Menu, SegmentedControl, Slider, Tooltip } from "@mantine/core";
import { useMemo, useState } from "react";
import { bytes, count as n, countWords, plural } from "../../kit/format";
import { Grid, chosenCount, nothing, type Choice, type Tile } from "../../kit/grid";
import { Head } from "../../kit/head";
import { IconAlert, IconBucket, IconDatabase, IconDots, IconGridDots, IconList, IconSort, IconTag, IconTrash, IconUpload, IconX } from "../../kit/icons";
import { useKeys } from "../../kit/keys";
import { May, useMay } from "../../kit/may";
import { Empty, Fault, Status, Time } from "../../kit/parts";
import { QueryBar } from "../../kit/query-bar";
import { Table } from "../../kit/table";
import { setUrl, useUrl } from "../../kit/url";
import { complete, thumbnail, useDatas, useFailed, useSignedIn, type Data } from "./data";
import { FailedUploads } from "./failed";
import { DataPanel } from "./panel";
import { ImportFromBucket } from "./bucket";
import { DropZone, UploadDialog } from "./drop";
import { AddToVersion, CreateDataset, DeleteDatas, TagDialog } from "./dialogs";

export const tileOf = (d: Data, px: number): Tile => ({
  id: d.id,
  name: d.filename,
  src: d.upload_status === "DONE" ? thumbnail(d.id, px > 260 ? 512 : 256) : null,
  width: d.meta?.width ?? 4,
  height: d.meta?.height ?? 3,
  badge: d.upload_status === "DONE" ? undefined : <Status of={d.upload_status} />,
  note: d.tags?.length ? (
    <span className="dim" title={d.tags.map((t) => t.name).join(", ")} style={{ display: "flex", gap: 4, flex: "none", maxWidth: "60%", overflow: "hidden" }}>
      {d.tags.slice(0, px < 190 ? 1 : 2).map((t) => (
        <span key={t.id} className="chip" data-plain="" style={{ display: "block", lineHeight: "17px", height: 17, fontSize: 11, overflow: "hidden", textOverflow: "ellipsis" }}>
          {t.name}
        </span>
      ))}
      {d.tags.length > (px < 190 ? 1 : 2) && `+${d.tags.length - (px < 190 ? 1 : 2)}`}
    </span>
  ) : undefined,
});

const sorts: Record<string, string> = { "-created_at": "Newest first", created_at: "Oldest first", filename: "Name, A to Z", "-filename": "Name, Z to A", "-size": "Largest file first" };

export default function Datalake() {
  const session = useSignedIn();
  const lake = session.datalake.id;
  const [q, setQ] = useUrl("q");
  const [sort, setSort] = useUrl("sort", "-created_at");
  const [view, setView] = useUrl("view", "grid");
  const [size, setSize] = useUrl("size", "200");
  const [open, setOpen] = useUrl("open");
  const [showFailed, setShowFailed] = useUrl("failed");
  const failed = useFailed(lake).data?.count ?? 0;
  const rows = useDatas(lake, q, sort === "-created_at" ? "" : sort);
  const [choice, setChoice] = useState<Choice>(nothing);
  const [dialog, setDialog] = useState<"" | "dataset" | "add" | "tag" | "untag" | "delete" | "bucket">("");
  const [files, setFiles] = useState<File[]>([]);
  const may = useMay();
  const px = Number(size) || 200;
  const total = rows.count ?? 0;
  const chosen = chosenCount(choice, total);
  const tiles = useMemo(() => new Map<string, Tile>(), [rows.at, px]);
  const at = (i: number) => {
    const d = rows.at(i);
    if (!d) return undefined;
    const known = tiles.get(d.id) ?? tileOf(d, px);
    tiles.set(d.id, known);
    return known;
  };
  useKeys("Datalake", [
    { keys: "/", says: "Write a query" },
    { keys: "ArrowLeft ArrowRight ArrowUp ArrowDown", says: "Move in the grid" },
    { keys: "Enter Space", says: "Look at the image" },
    { keys: "X", says: "Choose the image (shift: up to it)" },
    { keys: "mod+A", says: "Choose all of the query", run: () => setChoice({ all: true, ids: new Set() }) },
    { keys: "Escape", says: "Choose nothing", run: () => (open ? setOpen(null) : setChoice(nothing)) },
  ]);
  const search = (text: string) => {
    setChoice(nothing);
    setQ(text);
  };
  const wrongQuery = rows.error?.status === 400 && q ? [rows.error.message, rows.error.detail].filter(Boolean).join(". ") : null;
  const blank = rows.count === 0 && !q;
  return (
    <DropZone onFiles={may("write") ? setFiles : () => undefined}>
      <div className="page">
        <Head crumbs={[{ text: "Datalake" }]} chips={<Counts images={q || rows.count === undefined ? undefined : countWords(rows.count, rows.atLeast, "image")} failed={failed} onFailed={() => setShowFailed("on")} />}>
          <May to="write">
            <Button variant="default" leftSection={<IconBucket size={15} />} onClick={() => setDialog("bucket")}>
              Import from a bucket
            </Button>
            <FileButton onChange={setFiles} accept="image/*" multiple>
              {(props) => (
                <Button leftSection={<IconUpload size={15} />} {...props}>
                  Upload images
                </Button>
              )}
            </FileButton>
          </May>
        </Head>
        {showFailed ? (
          <FailedUploads lake={lake} onClose={() => setShowFailed(null)} />
        ) : (
        <>
        {!blank && (
          <div className="bar">
            <QueryBar of="data" value={q} onSubmit={search} complete={complete} error={wrongQuery} placeholder='Search, for example  tags.name = "train" and width > 640' />
            <Menu>
              <Menu.Target>
                <Button variant="default" leftSection={<IconSort size={15} />}>
                  {sorts[sort] ?? sort}
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                {Object.entries(sorts).map(([key, text]) => (
                  <Menu.Item key={key} onClick={() => setSort(key)}>
                    {text}
                  </Menu.Item>
                ))}
              </Menu.Dropdown>
            </Menu>
            {view === "grid" && <Slider thumbLabel="Size of the pictures" w={90} size={3} thumbSize={14} min={110} max={420} step={10} label={null} value={px} onChange={(v) => setSize(String(v))} />}
            <SegmentedControl
              size="xs"
              value={view}
              onChange={setView}
              aria-label="View"
              data={[
                { value: "grid", label: <IconGridDots size={15} aria-label="Grid" /> },
                { value: "table", label: <IconList size={15} aria-label="Table" /> },
              ]}
            />
          </div>
        )}
        {chosen > 0 ? (
          <div className="choice-bar">
            <b>{countWords(chosen, choice.all && rows.atLeast, "image")} chosen</b>
            {!choice.all && chosen < total && (
              <Button variant="subtle" size="compact-xs" onClick={() => setChoice({ all: true, ids: new Set() })}>
                Choose all{rows.atLeast ? "" : ` ${n(total)}`}
              </Button>
            )}
            <span style={{ flex: 1 }} />
            <May to="write">
              <Button variant="subtle" leftSection={<IconTag size={15} />} onClick={() => setDialog("tag")}>
                Attach tags
              </Button>
              <Button variant="subtle" onClick={() => setDialog("add")}>
                Add to a version
              </Button>
              <Button onClick={() => setDialog("dataset")}>Create dataset</Button>
              <Menu>
                <Menu.Target>
                  <ActionIcon aria-label="More actions">
                    <IconDots size={16} />
                  </ActionIcon>
                </Menu.Target>
                <Menu.Dropdown>
                  <Menu.Item onClick={() => setDialog("untag")}>Detach tags…</Menu.Item>
                  <Menu.Item color="red" leftSection={<IconTrash size={14} />} onClick={() => setDialog("delete")}>
                    Delete…
                  </Menu.Item>
                </Menu.Dropdown>
              </Menu>
            </May>
            <Tooltip label="Choose nothing">
              <ActionIcon onClick={() => setChoice(nothing)} aria-label="Choose nothing">
                <IconX size={16} />
              </ActionIcon>
            </Tooltip>
          </div>
        ) : (
          q && rows.count !== undefined && (
            <div className="bar dim" style={{ paddingTop: 0, minHeight: 20 }}>
              {countWords(total, rows.atLeast, "image")} found
              {total > 0 && (
                <Button variant="subtle" size="compact-xs" onClick={() => setChoice({ all: true, ids: new Set() })}>
                  Choose all
                </Button>
              )}
            </div>
          )
        )}
        <div style={{ display: "flex", flex: 1, minHeight: 0 }}>
          <div className="fill" style={{ minWidth: 0 }}>
            {rows.error && !wrongQuery ? (
              <div className="body">
                <Fault error={rows.error} again={rows.again} />
              </div>
            ) : blank ? (
              <Empty
                icon={IconDatabase}
                title="No images yet"
                action={
                  may("write") && <FileButton onChange={setFiles} accept="image/*" multiple>
                    {(props) => (
                      <Button size="sm" leftSection={<IconUpload size={16} />} {...props}>
                        Upload images
                      </Button>
                    )}
                  </FileButton>
                }
              >
                Drop image files anywhere on this page. JPEG, PNG, WebP, TIFF, BMP and GIF are taken; each is stored once, whatever it is used for later.
              </Empty>
            ) : rows.count === 0 ? (
              <Empty icon={IconDatabase} title="Nothing matches this query" action={<Button variant="default" onClick={() => search("")}>Clear the query</Button>} />
            ) : view === "table" ? (
              <DataTable rows={rows} onOpen={setOpen} />
            ) : (
              <Grid label="Images" count={rows.count} at={at} want={rows.want} size={px} choice={choice} onChoose={setChoice} onOpen={(_, t) => setOpen(t.id)} onPreview={(i) => setOpen(at(i)?.id ?? null)} />
            )}
          </div>
          {open && <DataPanel id={open} onClose={() => setUrl({ open: null })} />}
        </div>
        </>
        )}
        <ImportFromBucket open={dialog === "bucket"} onClose={() => setDialog("")} />
        <UploadDialog files={files} onClose={() => setFiles([])} />
        <CreateDataset open={dialog === "dataset"} onClose={() => setDialog("")} choice={choice} total={total} q={q} />
        <AddToVersion open={dialog === "add"} onClose={() => setDialog("")} choice={choice} total={total} q={q} />
        <TagDialog open={dialog === "tag" || dialog === "untag"} detach={dialog === "untag"} onClose={() => setDialog("")} choice={choice} total={total} q={q} />
        <DeleteDatas open={dialog === "delete"} onClose={() => { setDialog(""); }} onDone={() => setChoice(nothing)} choice={choice} total={total} q={q} />
      </div>
    </DropZone>
  );
}

/** How many images there are; beside it, apart, the files that were none. */
function Counts({ images, failed, onFailed }: { images: string | undefined; failed: number; onFailed: () => void }) {
  return (
    <>
      {images !== undefined && <span className="dim">{images}</span>}
      {failed > 0 && (
        <button type="button" className="chip" style={{ ["--chip" as string]: "var(--bad)", border: 0, cursor: "pointer", font: "inherit" }} onClick={onFailed}>
          <IconAlert size={13} /> {plural(failed, "failed upload")}
        </button>
      )}
    </>
  );
}

/** The list as a table: the pages that are looked at, as the grid does it. */
function DataTable({ rows, onOpen }: { rows: ReturnType<typeof useDatas>; onOpen: (id: string) => void }) {
  const [page, setPage] = useUrl("page", "1");
  const first = (Math.max(1, Number(page) || 1) - 1) * 100;
  useMemo(() => queueMicrotask(() => rows.want(first, first)), [first, rows.want]);
  const shown: Data[] = [];
  for (let i = first; i < Math.min(first + 100, rows.count ?? 0); i++) {
    const d = rows.at(i);
    if (d) shown.push(d);
  }
  const pages = Math.ceil((rows.count ?? 0) / 100);
  return (
    <div className="body" style={{ paddingTop: 0 }}>
      <Table
        rows={rows.loading ? undefined : shown}
        id={(d) => d.id}
        columns={[
          { key: "preview", title: "", width: 56, cell: (d) => <img src={thumbnail(d.id, 128)} alt="" width={44} height={33} loading="lazy" style={{ objectFit: "cover", borderRadius: 4, display: "block", background: "var(--image-ground)" }} /> },
          { key: "filename", title: "Name", cell: (d) => <a href="#" style={{ textDecoration: "none", fontWeight: 540 }} onClick={(e) => { e.preventDefault(); onOpen(d.id); }}>{d.filename}</a> },
          { key: "shape", title: "Size", align: "right", cell: (d) => (d.meta ? `${d.meta.width} × ${d.meta.height}` : "–") },
          { key: "bytes", title: "File", align: "right", cell: (d) => bytes(d.size) },
          { key: "source", title: "Source", cell: (d) => d.data_source?.name ?? <span className="dim">–</span> },
          { key: "tags", title: "Tags", cell: (d) => <span style={{ display: "flex", gap: 4 }}>{d.tags?.map((t) => <span key={t.id} className="chip" data-plain="">{t.name}</span>)}</span> },
          { key: "created", title: "Added", cell: (d) => <Time at={d.created_at} /> },
          { key: "status", title: "", cell: (d) => d.upload_status !== "DONE" && <Status of={d.upload_status} /> },
        ]}
      />
      {pages > 1 && (
        <div className="bar" style={{ justifyContent: "center" }}>
          <Button variant="default" disabled={first === 0} onClick={() => setPage(String(Number(page) - 1))}>
            Previous
          </Button>
          <span className="dim">
            Page {page} of {n(pages)}
          </span>
          <Button variant="default" disabled={Number(page) >= pages} onClick={() => setPage(String(Number(page) + 1))}>
            Next
          </Button>
        </div>
      )}
    </div>
  );
}
