// What is in a version: objects by label, objects by image.
import { Skeleton } from "@mantine/core";
import { useMemo } from "react";
import { Chart } from "../../kit/chart";
import { count, figure } from "../../kit/format";
import { IconBars } from "../../kit/icons";
import { Empty, Fault, Section, Stat } from "../../kit/parts";
import { useLabels, useStats, useVersion } from "./data";
import { Distribution } from "./parts";

export function Analytics({ id, onLabel }: { id: string; onLabel: (label: string) => void }) {
  const stats = useStats(id);
  const version = useVersion(id);
  const labels = useLabels(id);
  const order = useMemo(() => labels.data?.items.map((l) => l.name) ?? [], [labels.data]);
  const per = stats.data?.objects_per_image;
  const spec = useMemo(() => {
    if (!per?.length) return null;
    // Many different numbers are put together, so that the bars stay readable.
    const step = Math.max(1, Math.ceil(per.length / 40));
    const categories: string[] = [];
    const values: number[] = [];
    for (let i = 0; i < per.length; i += step) {
      categories.push(step === 1 ? String(i) : `${i}–${i + step - 1}`);
      values.push(per.slice(i, i + step).reduce((a, b) => a + b, 0));
    }
    return { kind: "bar" as const, categories, series: [{ name: "Images", values }], xName: "objects in an image", yName: "images" };
  }, [per]);
  if (stats.error)
    return (
      <div className="body">
        <Fault error={stats.error} again={() => void stats.refetch()} />
      </div>
    );
  const s = stats.data;
  const v = version.data;
  if (s && !s.nb_objects)
    return (
      <div className="body">
        <Empty icon={IconBars} title="Nothing to count yet">
          As soon as images are annotated, or annotations are imported, their distribution is shown here.
        </Empty>
      </div>
    );
  return (
    <div className="body">
      {!s ? (
        <Skeleton height={320} />
      ) : (
        <>
          <div style={{ display: "flex", gap: 48, marginBottom: 28 }}>
            <Stat value={count(v?.nb_assets)} name="images" />
            <Stat value={count(v?.nb_annotated ?? s.nb_annotations)} name="annotated" />
            <Stat value={count(s.nb_objects)} name="objects" />
            <Stat value={figure(v?.nb_annotated ? s.nb_objects / v.nb_annotated : null, 3)} name="objects an annotated image" />
          </div>
          <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(420px, 1fr))", gap: "8px 48px" }}>
            <Section title="Objects by label" end={<span className="dim">Click a bar to see its images</span>}>
              <Distribution counts={s.label_repartition} order={order} onPick={onLabel} />
            </Section>
            {spec && (
              <Section title="Objects by image">
                <Chart spec={spec} name="Objects by image" height={260} />
              </Section>
            )}
          </div>
        </>
      )}
    </div>
  );
}
