// What the champion's network sees: training images and the newest predictions along the two directions that tell most apart.
import { Skeleton } from "@mantine/core";
import { useMemo } from "react";
import type { DriftOfADeployment } from "../../api/answers";
import { Chart, type ChartSpec } from "../../kit/chart";
import { count, figure, plural } from "../../kit/format";
import { Fault, Section } from "../../kit/parts";
import { navigate } from "../../kit/url";
import { useEmbedding, type Deployment } from "./data";

/** The comparison of all directions together, of the newest check. */
function Together({ of: t }: { of: DriftOfADeployment | undefined }) {
  const f = t?.latest?.features.find((x) => x.test === "MMD" && x.tested);
  if (!f) return null;
  return (
    <>
      {" "}As a whole the {count(f.n_window)} newest predictions and the first {count(f.n_before)} are apart by MMD² = {figure(f.d, 3)}
      {f.limit !== null && <> ({figure(f.limit, 3)} would count as drift</>}
      {f.p !== null && <>; p {f.p < 1e-4 ? "< 0.0001" : `= ${figure(f.p, 2)}`})</>}.
    </>
  );
}

export function Embedding({ deployment: d, drift }: { deployment: Deployment; drift: DriftOfADeployment | undefined }) {
  const answer = useEmbedding(d.id);
  const e = answer.data;
  const spec = useMemo((): ChartSpec | null => {
    if (!e?.training.length) return null;
    const points = (of: readonly { x: number; y: number }[]) => of.map((p): [number, number] => [p.x, p.y]);
    return { kind: "line", x: "value", xName: "direction 1 (σ)", yName: "direction 2 (σ)", series: [{ name: "training", points: points(e.training), colour: "before", dots: true }, { name: "newest predictions", points: points(e.window), colour: "shown", dots: true }] };
  }, [e]);
  return (
    <Section title="What the network sees">
      {answer.error ? (
        <Fault error={answer.error} again={() => void answer.refetch()} />
      ) : !e ? (
        <Skeleton height={220} />
      ) : (
        <>
          <p className="dim" style={{ margin: "0 0 12px" }} data-testid="embedding-state">
            {e.waits_for ? (
              <>What the network itself sees of images is not compared yet. Waits for {e.waits_for}.</>
            ) : (
              <>
                Each point is an image: of the network’s {count(e.features)} features the two directions along which {plural(e.images, "training image")} differ most, in units of how far they spread. A click opens the prediction.
                <Together of={drift} />
              </>
            )}
          </p>
          {spec && <Chart spec={spec} name="What the network sees" height={300} onPick={({ series, index }) => { const id = series === 1 ? e.window[index]?.predicted_asset_id : undefined; if (id) navigate(`/review/${d.id}?asset=${id}`); }} />}
        </>
      )}
    </Section>
  );
}
