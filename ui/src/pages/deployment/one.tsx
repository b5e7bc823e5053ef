// A deployment: dashboard, predictions, settings.
import { Button } from "@mantine/core";
import { useState } from "react";
import { useParams } from "wouter";
import { AccessDialog } from "../../kit/access";
import { count, plural } from "../../kit/format";
import { IconEye, IconPause, IconPlay, IconTrash, IconUser } from "../../kit/icons";
import { May } from "../../kit/may";
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
import { Try } from "./try";

export default function DeploymentPage() {
  const { id = "" } = useParams();
  const deployment = useDeployment(id);
  const d = deployment.data;
  const [dropping, setDropping] = useState(false);
  const [sharing, setSharing] = useState(false);
  useLiveDeployment(id);
  const paused = d?.status === "PAUSED";
  return (
    <>
      <Page
        crumbs={[{ text: "Deployments", to: "/deployments" }, { text: d?.name ?? "…" }]}
        id={id}
        chips={d && <><Status of={paused ? "PAUSED" : "LIVE"} /><Loops of={d} /></>}
        on={{ kind: "deployment", id }}
        actions={
          <Button variant="default" leftSection={paused ? <IconPlay size={15} /> : <IconPause size={15} />} disabled={!d} onClick={() => pause(id, !paused).catch(toast.failed)}>
            {paused ? "Resume" : "Pause"}
          </Button>
        }
        uses={
          <May to="annotate">
            <Button leftSection={<IconEye size={15} />} disabled={!d?.counts?.to_review} onClick={() => navigate(`/review/${id}?q=${encodeURIComponent('status = "TO_REVIEW"')}`)}>
              Review {d?.counts?.to_review ? count(d.counts.to_review) : ""}
            </Button>
          </May>
        }
        menu={[
          { text: "Access…", icon: IconUser, needs: "admin", run: () => setSharing(true) },
          { text: "Delete the deployment…", icon: IconTrash, danger: true, run: () => setDropping(true) },
        ]}
        of={[deployment]}
        tabs={[
          { key: "dashboard", text: "Dashboard", whole: true, show: () => d && <DashboardTab deployment={d} /> },
          { key: "predictions", text: "Predictions", mark: d?.counts && count(d.counts.total), whole: true, show: () => d && <Predictions deployment={d} /> },
          { key: "try", text: "Try", whole: true, show: () => d && <Try deployment={d} /> },
          { key: "settings", text: "Settings", needs: "write", whole: true, show: () => d && <DeploymentSettings deployment={d} /> },
        ]}
      />
      <AccessDialog thing={{ kind: "deployment", id }} name={d?.name ?? ""} open={sharing} onClose={() => setSharing(false)} />
      <DeleteDialog open={dropping} onClose={() => setDropping(false)} title={`Delete the deployment ${d?.name ?? ""}`} run={async () => { await remove(id); navigate("/deployments"); }}>
        It stops answering at once. {plural(d?.counts?.total ?? 0, "prediction")} with their reviews are lost; the images stay in the datalake.
      </DeleteDialog>
    </>
  );
}
