// From which score on an image is an outlier.
import { Button, NumberInput } from "@mantine/core";
import { useState } from "react";
import { figure } from "../../kit/format";
import { Fault, Lines } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { changeOutliers, useOutliers, type Deployment } from "./data";
import { Part } from "./parts";

function Fields({ d, percentile: was }: { d: Deployment; percentile: number }) {
  const [percentile, setPercentile] = useState<number | string>(was);
  const save = () => changeOutliers(d.id, { percentile: Number(percentile) }).then(() => toast.done("Outliers saved"), toast.failed);
  return (
    <>
      <NumberInput label="Percentile" description="An image is an outlier if its score is above that of so many of a hundred training images which the fit was not taught." value={percentile} onChange={setPercentile} min={50} max={100} step={1} decimalScale={2} suffix=" %" />
      <div>
        <Button disabled={typeof percentile !== "number" || percentile === was} onClick={() => void save()}>
          Save
        </Button>
      </div>
    </>
  );
}

export function OutlierSettings({ d }: { d: Deployment }) {
  const told = useOutliers(d.id, {});
  const t = told.data;
  if (told.error) return <Fault error={told.error} again={() => void told.refetch()} />;
  if (!t) return <Lines n={4} />;
  return (
    <Part title="Outliers" says="Images that are unlike those that the champion was trained on." on={t.settings.active} onToggle={(active) => changeOutliers(d.id, { active }).catch(toast.failed)}>
      <Fields key={t.settings.percentile} d={d} percentile={t.settings.percentile} />
      {t.fit && (
        <span className="dim">
          The threshold is {figure(t.fit.threshold, 3)} now, by {t.fit.held_out} held-out training images: at most {figure(100 * (t.fit.chance ?? 0), 2)} % of images like those are above it.
        </span>
      )}
    </Part>
  );
}
