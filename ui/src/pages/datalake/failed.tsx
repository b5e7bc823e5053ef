// Files that came and are no images: what was wrong with each, and how to be rid of them. They are counted nowhere else.
import { ActionIcon, Button } from "@mantine/core";
import { useState } from "react";
import { capital, count as n, plural } from "../../kit/format";
import { IconCircleCheck, IconTrash } from "../../kit/icons";
import { DeleteDialog } from "../../kit/naming";
import { Cut, Empty, Fault, Time } from "../../kit/parts";
import { Table } from "../../kit/table";
import { toast } from "../../kit/toast";
import { deleteDatas, failedIds, useFailed } from "./data";

export function FailedUploads({ lake, onClose }: { lake: string; onClose: () => void }) {
  const failed = useFailed(lake);
  const [asking, setAsking] = useState(false);
  const total = failed.data?.count ?? 0;
  const shown = failed.data?.items.length ?? 0;
  return (
    <div className="fill">
      <div className="bar">
        <span className="dim">{plural(total, "file")} could not be read as an image. {total === 1 ? "It is" : "They are"} in no list and no dataset.</span>
        <span style={{ flex: 1 }} />
        <Button variant="default" onClick={onClose}>
          Back to the images
        </Button>
        {total > 0 && (
          <Button variant="default" leftSection={<IconTrash size={14} />} onClick={() => setAsking(true)}>
            Delete {total === 1 ? "it" : `all ${n(total)}`}
          </Button>
        )}
      </div>
      <div className="body" style={{ paddingTop: 0 }}>
        {failed.error ? (
          <Fault error={failed.error} again={() => void failed.refetch()} />
        ) : (
          <Table
            rows={failed.data?.items}
            id={(d) => d.id}
            empty={<Empty icon={IconCircleCheck} title="No upload has failed" />}
            columns={[
              { key: "name", title: "File", width: "34%", cell: (d) => <Cut text={d.filename} style={{ fontWeight: 540 }} /> },
              { key: "why", title: "What is wrong with it", cell: (d) => <span style={{ color: "var(--bad)" }}>{capital(d.error ?? "it cannot be read as an image")}</span> },
              { key: "at", title: "Came", width: 120, cell: (d) => <Time at={d.created_at} /> },
              { key: "do", title: "", align: "right", width: 40, cell: (d) => <ActionIcon aria-label={`Delete ${d.filename}`} onClick={() => deleteDatas(lake, [d.id]).catch(toast.failed)}><IconTrash size={15} /></ActionIcon> },
            ]}
          />
        )}
        {shown < total && <p className="dim">and {n(total - shown)} more</p>}
      </div>
      <DeleteDialog open={asking} onClose={() => setAsking(false)} title={`Delete ${plural(total, "failed upload")}`} run={async () => { await deleteDatas(lake, await failedIds(lake)); onClose(); }}>
        {total === 1 ? "Its bytes are lost here. It is" : "Their bytes are lost here. They are"} in no dataset version.
      </DeleteDialog>
    </div>
  );
}
