// A deployment: dashboard, predictions, settings.
import { Button } from "@mantine/core";
import { useState } from "react";
import { useParams } from "wouter";
import { count, plural } from "../../kit/format";
import { IconEye, IconPause, IconPlay, IconTrash } from "../../kit/icons";
import { DeleteDialog } from "../../kit/naming";
import { Page } from "../../kit/page";
import { Status } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { navigate } from "../../kit/url";
import { DashboardTab } from "./dashboard";
import { pause, remove, useDeployment, useLiveDeployment } from "./data";
import { Loops } from "./parts";
import { Predictions } from "./predictions";
import { DeploymentSettings } from "./settings";

export default function DeploymentPage() {
  const { id = "" } = useParams();
  const deployment = useDeployment(id);
  const d = deployment.data;
  const [dropping, setDropping] = useState(false);
  useLiveDeployment(id);
  const paused = d?.status === "PAUSED";
  return (
    <>
      <Page
        crumbs={[{ text: "Deployments", to: "/deployments" }, { text: d?.name ?? "…" }]}
        id={id}
        chips={d && <><Status of={paused ? "PAUSED" : "LIVE"} /><Loops of={d} /></>}
        actions={
          <>
            <Button variant="default" leftSection={paused ? <IconPlay size={15} /> : <IconPause size={15} />} disabled={!d} onClick={() => pause(id, !paused).catch(toast.failed)}>
              {paused ? "Resume" : "Pause"}
            </Button>
            <Button leftSection={<IconEye size={15} />} disabled={!d?.counts?.to_review} onClick={() => navigate(`/review/${id}?q=${encodeURIComponent('status = "TO_REVIEW"')}`)}>
              Review {d?.counts?.to_review ? count(d.counts.to_review) : ""}
            </Button>
          </>
        }
        menu={[{ text: "Delete the deployment…", icon: IconTrash, danger: true, run: () => setDropping(true) }]}
        of={[deployment]}
        tabs={[
          { key: "dashboard", text: "Dashboard", whole: true, show: () => d && <DashboardTab deployment={d} /> },
          { key: "predictions", text: "Predictions", mark: d?.counts && count(d.counts.total), whole: true, show: () => d && <Predictions deployment={d} /> },
          { key: "settings", text: "Settings", whole: true, show: () => d && <DeploymentSettings deployment={d} /> },
        ]}
      />
      <DeleteDialog open={dropping} onClose={() => setDropping(false)} title={`Delete the deployment ${d?.name ?? ""}`} run={async () => { await remove(id); navigate("/deployments"); }}>
        It stops answering at once. {plural(d?.counts?.total ?? 0, "prediction")} with their reviews are lost; the images stay in the datalake.
      </DeleteDialog>
    </>
  );
}
