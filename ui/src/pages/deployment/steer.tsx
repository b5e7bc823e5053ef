// What people decide about a deployment: that it rests, that the former champion comes back, and how many requests the shadow answers.
import { NumberInput, Slider, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { Dialog } from "../../kit/dialog";
import { toast } from "../../kit/toast";
import { pause, rollBack, setCanary, type Deployment } from "./data";
import { versionName } from "./parts";

export type Steering = "" | "pause" | "rollback" | "canary";

function Share({ d, open, onClose }: { d: Deployment; open: boolean; onClose: () => void }) {
  const [percent, setPercent] = useState(10);
  useEffect(() => {
    if (open) setPercent(Math.round(d.canary_share * 1000) / 10 || 10);
  }, [open, d.canary_share]);
  const set = (x: number) => setPercent(Math.min(100, Math.max(0, x)));
  const name = versionName(d.shadow_model_version);
  return (
    <Dialog open={open} onClose={onClose} title="Let the shadow answer a share" does={percent ? `Answer ${percent} %` : "Answer none"} run={() => setCanary(d.id, percent / 100).then(() => toast.done(percent ? `${name} answers ${percent} % of the requests` : `${name} answers no requests any more`))}>
      <Text size="sm">
        {name} answers this share of the requests in place of {versionName(d.model_version)}. Both still see every image, so that they can be compared. A request that is sent again with the same X-Request-Id is answered by the same model.
      </Text>
      <div style={{ display: "grid", gridTemplateColumns: "1fr 100px", gap: 16, alignItems: "center" }}>
        <Slider min={0} max={100} step={1} label={null} value={percent} onChange={set} thumbLabel="Share of the requests" />
        <NumberInput aria-label="Share of the requests in percent" suffix=" %" min={0} max={100} decimalScale={1} value={percent} onChange={(x) => set(Number(x) || 0)} />
      </div>
    </Dialog>
  );
}

export function SteerDialogs({ deployment: d, asking, onClose }: { deployment: Deployment; asking: Steering; onClose: () => void }) {
  const former = versionName(d.former_model_version);
  return (
    <>
      <Dialog open={asking === "pause"} onClose={onClose} title={`Pause ${d.name}`} does="Pause" danger run={() => pause(d.id, true)}>
        <Text size="sm">Every request is refused, in words, until it is resumed. Predictions, reviews and settings stay as they are.</Text>
      </Dialog>
      <Dialog open={asking === "rollback"} onClose={onClose} title={`Roll back to ${former}`} does="Roll back" danger run={() => rollBack(d.id).then(() => toast.done(`${former} is champion again`))}>
        <Text size="sm">
          {former} answers again from the next image on; {versionName(d.model_version)} goes and stays in the registry. It is noted among the decisions, with your name.
        </Text>
      </Dialog>
      <Share d={d} open={asking === "canary"} onClose={onClose} />
    </>
  );
}
