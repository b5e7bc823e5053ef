// A deployment: dashboard, predictions, settings.
import { Button } from "@mantine/core";
import { useState } from "react";
import { useParams } from "wouter";
import { AccessDialog } from "../../kit/access";
import { count, plural } from "../../kit/format";
import { IconEye, IconGhost, IconHistory, IconPause, IconPlay, IconTrash, IconUser, IconX } from "../../kit/icons";
import { May } from "../../kit/may";
import { DeleteDialog } from "../../kit/naming";
import { Page } from "../../kit/page";
import { Status } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { navigate } from "../../kit/url";
import { DashboardTab } from "./dashboard";
import { pause, remove, setCanary, useDeployment, useLiveDeployment } from "./data";
import { Loops, Mode, versionName } from "./parts";
import { Predictions } from "./predictions";
import { DeploymentSettings } from "./settings";
import { SteerDialogs, type Steering } from "./steer";
import { Try } from "./try";

export default function DeploymentPage() {
  const { id = "" } = useParams();
  const deployment = useDeployment(id);
  const d = deployment.data;
  const [dropping, setDropping] = useState(false);
  const [sharing, setSharing] = useState(false);
  const [steering, setSteering] = useState<Steering>("");
  useLiveDeployment(id);
  const paused = d?.status === "PAUSED";
  return (
    <>
      <Page
        crumbs={[{ text: "Deployments", to: "/deployments" }, { text: d?.name ?? "…" }]}
        id={id}
        chips={d && <><Status of={paused ? "PAUSED" : "LIVE"} /><Mode of={d} /><Loops of={d} /></>}
        on={{ kind: "deployment", id }}
        actions={
          <Button variant="default" leftSection={paused ? <IconPlay size={15} /> : <IconPause size={15} />} disabled={!d} onClick={() => (paused ? pause(id, false).catch(toast.failed) : setSteering("pause"))}>
            {paused ? "Resume" : "Pause"}
          </Button>
        }
        uses={
          <May to="annotate">
            <Button leftSection={<IconEye size={15} />} disabled={!d?.counts?.to_review} onClick={() => navigate(`/review/${id}?queue=MIXED`)}>
              Review {d?.counts?.to_review ? count(d.counts.to_review) : ""}
            </Button>
          </May>
        }
        menu={[
          ...(d?.shadow_model_version && d.mode === "SERVING" ? [{ text: d.canary_share ? "Change the shadow’s share…" : "Let the shadow answer a share…", icon: IconGhost, needs: "write" as const, run: () => setSteering("canary") }] : []),
          ...(d?.canary_share ? [{ text: "End the shadow’s share", icon: IconX, needs: "write" as const, run: () => void setCanary(id, 0).then(() => toast.done("The champion answers every request again"), toast.failed) }] : []),
          ...(d?.former_model_version ? [{ text: `Roll back to ${versionName(d.former_model_version)}…`, icon: IconHistory, needs: "write" as const, run: () => setSteering("rollback") }] : []),
          { text: "Access…", icon: IconUser, needs: "admin", run: () => setSharing(true) },
          { text: "Delete the deployment…", icon: IconTrash, danger: true, run: () => setDropping(true) },
        ]}
        of={[deployment]}
        tabs={[
          { key: "dashboard", text: "Dashboard", whole: true, show: () => d && <DashboardTab deployment={d} /> },
          { key: "predictions", text: "Predictions", mark: d?.counts && count(d.counts.total), whole: true, show: () => d && <Predictions deployment={d} /> },
          { key: "try", text: d && d.mode !== "SERVING" ? "Connect" : "Try", whole: true, show: () => d && <Try deployment={d} /> },
          { key: "settings", text: "Settings", needs: "write", whole: true, show: () => d && <DeploymentSettings deployment={d} /> },
        ]}
      />
      {d && <SteerDialogs deployment={d} asking={steering} onClose={() => setSteering("")} />}
      <AccessDialog thing={{ kind: "deployment", id }} name={d?.name ?? ""} open={sharing} onClose={() => setSharing(false)} />
      <DeleteDialog open={dropping} onClose={() => setDropping(false)} title={`Delete the deployment ${d?.name ?? ""}`} run={async () => { await remove(id); navigate("/deployments"); }}>
        It stops answering at once. {plural(d?.counts?.total ?? 0, "prediction")} with their reviews are lost; the images stay in the datalake.
      </DeleteDialog>
    </>
  );
}
