// Deployments.
import { Button } from "@mantine/core";
import { Link } from "wouter";
import { count } from "../../kit/format";
import { IconRocket } from "../../kit/icons";
import { Page } from "../../kit/page";
import { Empty, Status, Time } from "../../kit/parts";
import { Table } from "../../kit/table";
import { navigate, useUrl } from "../../kit/url";
import { useDeployments } from "./data";
import { Loops, versionName } from "./parts";

export default function Deployments() {
  const deployments = useDeployments();
  const [sort, setSort] = useUrl("sort", "-made");
  return (
    <Page crumbs={[{ text: "Deployments" }]} of={[deployments]}>
      <Table
        rows={deployments.data?.items}
        id={(d) => d.id}
        to={(d) => `/deployments/${d.id}`}
        sort={sort}
        onSort={setSort}
        empty={
          <Empty icon={IconRocket} title="Nothing is deployed yet" action={<Button size="sm" onClick={() => navigate("/models")}>Go to the models</Button>}>
            Deploy a model version: it then answers images over HTTP, keeps what it predicted, and shows how it fares.
          </Empty>
        }
        columns={[
          { key: "name", title: "Name", by: (d) => d.name, cell: (d) => <Link href={`/deployments/${d.id}`} style={{ textDecoration: "none", fontWeight: 540 }}>{d.name}</Link> },
          { key: "status", title: "Status", by: (d) => d.status, cell: (d) => (d.status === "PAUSED" ? <Status of="PAUSED" /> : <Status of="LIVE" />) },
          { key: "champion", title: "Champion", by: (d) => versionName(d.model_version), cell: (d) => versionName(d.model_version) },
          { key: "shadow", title: "Shadow", cell: (d) => (d.shadow_model_version ? versionName(d.shadow_model_version) : <span className="dim">–</span>) },
          { key: "predictions", title: "Predictions", align: "right", by: (d) => d.counts?.total, cell: (d) => count(d.counts?.total) },
          { key: "review", title: "To review", align: "right", by: (d) => d.counts?.to_review, cell: (d) => count(d.counts?.to_review) },
          { key: "loops", title: "Loops", cell: (d) => <Loops of={d} /> },
          { key: "made", title: "Made", by: (d) => d.created_at, cell: (d) => <Time at={d.created_at} /> },
        ]}
      />
    </Page>
  );
}
