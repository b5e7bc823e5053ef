// Jobs: what the server is doing, how far it is, and how to stop it.
import { Button, Progress, SegmentedControl } from "@mantine/core";
import { duration, percent, sentence } from "../../kit/format";
import { Head } from "../../kit/head";
import { IconListCheck } from "../../kit/icons";
import { Empty, Fault, Id, Status, Time } from "../../kit/parts";
import { Table } from "../../kit/table";
import { toast } from "../../kit/toast";
import { useUrl } from "../../kit/url";
import { cancelJob, useJobs, type Job } from "./data";

const open = (j: Job) => j.status === "RUNNING" || j.status === "PENDING" || j.status === "QUEUED";

export default function Jobs() {
  const { data, error, refetch } = useJobs();
  const [show, setShow] = useUrl("show", "all");
  const [sort, setSort] = useUrl("sort");
  const rows = data?.items.filter((j) => show === "all" || (show === "open" ? open(j) : j.status === "FAILED"));
  return (
    <div className="page">
      <Head crumbs={[{ text: "Jobs" }]} />
      <div className="bar">
        <SegmentedControl size="xs" value={show} onChange={setShow} data={[{ value: "all", label: "All" }, { value: "open", label: "Waiting and running" }, { value: "failed", label: "Failed" }]} />
      </div>
      <div className="body" style={{ paddingTop: 0 }}>
        {error ? (
          <Fault error={error} again={() => void refetch()} />
        ) : (
          <Table
            rows={rows}
            id={(j) => j.id}
            sort={sort}
            onSort={setSort}
            empty={<Empty icon={IconListCheck} title={show === "all" ? "No jobs yet" : "None of these"}>Imports, exports, trainings and statistics run as jobs and are listed here with their progress.</Empty>}
            columns={[
              { key: "kind", title: "Job", by: (j) => j.kind, cell: (j) => <b style={{ fontWeight: 540 }}>{sentence(j.kind)}</b> },
              { key: "status", title: "Status", width: 130, by: (j) => j.status, cell: (j) => <Status of={j.status} /> },
              {
                key: "progress",
                title: "Progress",
                width: "32%",
                cell: (j) =>
                  j.error ? (
                    <span title={j.error} style={{ color: "var(--bad)" }}>{j.error}</span>
                  ) : open(j) ? (
                    <span style={{ display: "grid", gridTemplateColumns: "120px 44px 1fr", gap: 10, alignItems: "center" }}>
                      <Progress value={100 * (j.progress ?? 0)} aria-label="Progress" />
                      <span>{percent(j.progress ?? 0)}</span>
                      <span className="dim" style={{ overflow: "hidden", textOverflow: "ellipsis" }}>{j.doing}</span>
                    </span>
                  ) : (
                    <span className="dim">{j.status === "SUCCEEDED" ? "" : j.doing}</span>
                  ),
              },
              { key: "by", title: "By", cell: (j) => <span className="dim">{j.created_by}</span> },
              { key: "created", title: "Asked for", by: (j) => j.created_at, cell: (j) => <Time at={j.created_at} /> },
              { key: "took", title: "Took", align: "right", cell: (j) => (j.ended_at && j.started_at ? duration((Date.parse(j.ended_at) - Date.parse(j.started_at)) / 1000) : "") },
              { key: "id", title: "", cell: (j) => <Id id={j.id} /> },
              { key: "do", title: "", align: "right", width: 90, cell: (j) => open(j) && <Button variant="default" size="compact-xs" onClick={() => cancelJob(j.id).catch(toast.failed)}>Cancel</Button> },
            ]}
          />
        )}
      </div>
    </div>
  );
}
