// Jobs: what the server is doing, how far it is, and how to stop it.
import { Button, Progress, SegmentedControl } from "@mantine/core";
import { duration, percent } from "../../kit/format";
import { IconListCheck } from "../../kit/icons";
import { Page } from "../../kit/page";
import { Empty, Id, Status, Time } from "../../kit/parts";
import { Table } from "../../kit/table";
import { toast } from "../../kit/toast";
import { useUrl } from "../../kit/url";
import { cancelJob, useJobs } from "./data";
import { JobName, resultOf } from "./name";
import { isOpen } from "./running";

export default function Jobs() {
  const jobs = useJobs();
  const [show, setShow] = useUrl("show", "all");
  const [sort, setSort] = useUrl("sort");
  const rows = jobs.data?.items.filter((j) => show === "all" || (show === "open" ? isOpen(j) : j.status === "FAILED"));
  return (
    <Page
      crumbs={[{ text: "Jobs" }]}
      of={[jobs]}
      bar={
        <div className="bar">
        <SegmentedControl size="xs" value={show} onChange={setShow} data={[{ value: "all", label: "All" }, { value: "open", label: "Waiting and running" }, { value: "failed", label: "Failed" }]} />
        </div>
      }
    >
      <Table
        rows={rows}
        id={(j) => j.id}
        sort={sort}
        onSort={setSort}
        empty={<Empty icon={IconListCheck} title={show === "all" ? "No jobs yet" : "None of these"}>Imports, exports, trainings and statistics run as jobs and are listed here with their progress.</Empty>}
        columns={[
          { key: "kind", title: "Job", width: "26%", by: (j) => j.kind, cell: (j) => <JobName of={j} /> },
          { key: "status", title: "Status", width: 130, by: (j) => j.status, cell: (j) => <Status of={j.status} /> },
          {
            key: "progress",
            title: "Progress",
            width: "32%",
            cell: (j) =>
              j.error ? (
                <span title={j.error} style={{ color: "var(--bad)" }}>{j.error}</span>
              ) : isOpen(j) ? (
                <span style={{ display: "grid", gridTemplateColumns: "120px 44px 1fr", gap: 10, alignItems: "center" }}>
                  <Progress value={100 * (j.progress ?? 0)} aria-label="Progress" />
                  <span>{percent(j.progress ?? 0)}</span>
                  <span className="dim" style={{ overflow: "hidden", textOverflow: "ellipsis" }}>{j.doing}</span>
                </span>
              ) : (
                <span className="dim">{j.status === "SUCCEEDED" ? resultOf(j) : j.doing}</span>
              ),
          },
          { key: "by", title: "By", cell: (j) => <span className="dim">{j.created_by}</span> },
          { key: "created", title: "Asked for", by: (j) => j.created_at, cell: (j) => <Time at={j.created_at} /> },
          { key: "took", title: "Took", align: "right", cell: (j) => (j.ended_at && j.started_at ? duration((Date.parse(j.ended_at) - Date.parse(j.started_at)) / 1000) : "") },
          { key: "id", title: "", cell: (j) => <Id id={j.id} /> },
          { key: "do", title: "", align: "right", width: 90, cell: (j) => isOpen(j) && <Button variant="default" size="compact-xs" onClick={() => cancelJob(j.id).catch(toast.failed)}>Cancel</Button> },
        ]}
      />
    </Page>
  );
}
