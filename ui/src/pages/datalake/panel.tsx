// One image: large, with what is known about it.
import { ActionIcon, Anchor, Skeleton } from "@mantine/core";
import { bytes } from "../../kit/format";
import { IconDownload, IconX } from "../../kit/icons";
import { Cut, Facts, Fault, Id, Status, Time } from "../../kit/parts";
import { useData } from "./data";

export function DataPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error, refetch, image } = useData(id);
  return (
    <aside aria-label="Image" style={{ width: "min(420px, 42vw)", flex: "none", borderLeft: "1px solid var(--line)", overflow: "auto", padding: "12px 20px 24px", boxSizing: "border-box" }}>
      <div style={{ display: "flex", alignItems: "center", gap: 8, marginBottom: 10 }}>
        <b style={{ fontWeight: 600, flex: 1, minWidth: 0 }}>{data ? <Cut text={data.filename} /> : " "}</b>
        <ActionIcon component="a" href={image} download={data?.filename ?? true} aria-label="Download">
          <IconDownload size={16} />
        </ActionIcon>
        <ActionIcon onClick={onClose} aria-label="Close">
          <IconX size={16} />
        </ActionIcon>
      </div>
      {error ? (
        <Fault error={error} again={() => void refetch()} />
      ) : !data ? (
        <Skeleton height={280} />
      ) : (
        <>
          {data.upload_status === "ERROR" && <Fault error={{ message: "This file is no usable image", detail: data.error ?? undefined }} />}
          {data.upload_status === "DONE" && <Anchor href={image} target="_blank" rel="noopener">
            <img src={image} alt={data.filename} style={{ width: "100%", borderRadius: 6, display: "block", background: "var(--image-ground)", aspectRatio: data.meta ? `${data.meta.width} / ${data.meta.height}` : undefined }} />
          </Anchor>}
          <div style={{ marginTop: 16 }}>
            <Facts
              of={[
                data.upload_status === "DONE" ? null : ["Status", <Status key="s" of={data.upload_status} />],
                ["Size", data.meta ? `${data.meta.width} × ${data.meta.height} pixels` : "–"],
                ["File", `${bytes(data.size)} · ${data.content_type}`],
                ["Added", <Time key="t" at={data.created_at} />],
                ["Source", data.data_source?.name ?? "–"],
                ["Tags", data.tags?.length ? <span key="g" style={{ display: "flex", gap: 4, flexWrap: "wrap" }}>{data.tags.map((t) => <span key={t.id} className="chip" data-plain="">{t.name}</span>)}</span> : "–"],
                ["Id", <Id key="i" id={data.id} />],
                ...Object.entries({ ...data.metadata, ...data.custom_metadata })
                  .filter(([, v]) => v !== null && v !== "")
                  .map(([k, v]) => [k, typeof v === "object" ? JSON.stringify(v) : String(v)] as const),
              ]}
            />
          </div>
        </>
      )}
    </aside>
  );
}
