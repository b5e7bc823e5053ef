// A deployment: dashboard, predictions, settings.
import { ActionIcon, Button, Menu, Tabs, Text } from "@mantine/core";
import { useState } from "react";
import { useParams } from "wouter";
import { Dialog } from "../../kit/dialog";
import { count, plural } from "../../kit/format";
import { Head } from "../../kit/head";
import { IconDots, IconEye, IconPause, IconPlay, IconTrash } from "../../kit/icons";
import { Fault, Lines, Status } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { navigate, useUrl } from "../../kit/url";
import { DashboardTab } from "./dashboard";
import { pause, remove, useDeployment, useLiveDeployment } from "./data";
import { Loops } from "./parts";
import { Predictions } from "./predictions";
import { DeploymentSettings } from "./settings";

export default function DeploymentPage() {
  const { id = "" } = useParams();
  const { data: d, error, refetch } = useDeployment(id);
  const [tab, setTab] = useUrl("tab", "dashboard");
  const [dropping, setDropping] = useState(false);
  useLiveDeployment(id);
  const paused = d?.status === "PAUSED";
  return (
    <div className="page">
      <Head crumbs={[{ text: "Deployments", to: "/deployments" }, { text: d?.name ?? "…" }]} id={id} chips={d && <><Status of={paused ? "PAUSED" : "LIVE"} /><Loops of={d} /></>}>
        <Button variant="default" leftSection={paused ? <IconPlay size={15} /> : <IconPause size={15} />} disabled={!d} onClick={() => pause(id, !paused).catch(toast.failed)}>
          {paused ? "Resume" : "Pause"}
        </Button>
        <Button leftSection={<IconEye size={15} />} disabled={!d?.counts?.to_review} onClick={() => navigate(`/review/${id}?q=${encodeURIComponent('status = "TO_REVIEW"')}`)}>
          Review {d?.counts?.to_review ? count(d.counts.to_review) : ""}
        </Button>
        <Menu>
          <Menu.Target>
            <ActionIcon aria-label="More actions">
              <IconDots size={17} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item color="red" leftSection={<IconTrash size={14} />} onClick={() => setDropping(true)}>
              Delete the deployment…
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </Head>
      <Tabs value={tab} onChange={setTab} className="tabs-line">
        <Tabs.List style={{ borderBottom: 0 }}>
          <Tabs.Tab value="dashboard">Dashboard</Tabs.Tab>
          <Tabs.Tab value="predictions">Predictions {d?.counts && <span className="dim">{count(d.counts.total)}</span>}</Tabs.Tab>
          <Tabs.Tab value="settings">Settings</Tabs.Tab>
        </Tabs.List>
      </Tabs>
      {error ? (
        <div className="body">
          <Fault error={error} again={() => void refetch()} />
        </div>
      ) : !d ? (
        <div className="body">
          <Lines n={6} />
        </div>
      ) : tab === "predictions" ? (
        <Predictions deployment={d} />
      ) : tab === "settings" ? (
        <DeploymentSettings deployment={d} />
      ) : (
        <DashboardTab deployment={d} />
      )}
      <Dialog open={dropping} onClose={() => setDropping(false)} title={`Delete the deployment ${d?.name ?? ""}`} does="Delete" danger run={async () => { await remove(id); navigate("/deployments"); }}>
        <Text size="sm">It stops answering at once. {plural(d?.counts?.total ?? 0, "prediction")} with their reviews are lost; the images stay in the datalake.</Text>
      </Dialog>
    </div>
  );
}
