// How a file must be described, found out by annotated images: asked for, waited for, and what came of it. What is found is put into the form for
// the person to take; of two that are as good the person picks.
import { Button, Progress, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import type { DescriptionThatWasTried, LabelsOfAModelBesideThoseOfImages, WhatImagesToldOfADescription } from "../../api/answers";
import { followJob } from "../../api/jobs";
import { figure, plural } from "../../kit/format";
import { May } from "../../kit/may";
import { Caution, Fault, Time } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { VersionPick } from "../../kit/version-pick";
import { evidenceIsOver, findOut, stopFinding, takeLabels, useEvidence, type ModelVersion } from "./data";

type Told = Record<string, unknown>;
const written = (x: unknown) => (typeof x === "string" ? x : JSON.stringify(x));
const capital = (s: string) => s.charAt(0).toUpperCase() + s.slice(1);

/** What one description tells, and how well it did. */
function Tried({ of: d, beside, metric, onTake }: { of: DescriptionThatWasTried; beside?: DescriptionThatWasTried | null; metric: string; onTake: (onnx: Told) => void }) {
  return (
    <div style={{ border: "1px solid var(--line)", borderRadius: 8, padding: "12px 14px" }}>
      <div style={{ display: "flex", justifyContent: "space-between", alignItems: "baseline", gap: 12, marginBottom: 8 }}>
        <b style={{ fontWeight: 540 }}>
          {metric} {figure(d.score)}
        </b>
        {d.interval && <span className="dim">95 %: {d.interval.map((x) => figure(x)).join(" to ")}</span>}
      </div>
      <dl className="mono" style={{ margin: 0, display: "grid", gridTemplateColumns: "auto minmax(0, 1fr)", gap: "2px 14px", overflowWrap: "anywhere" }}>
        {Object.entries(d.onnx).map(([k, x]) => (
          <div key={k} style={{ display: "contents" }}>
            <dt className="dim">{k}</dt>
            <dd style={{ margin: 0, fontWeight: beside && written(beside.onnx[k]) !== written(x) ? 650 : 400 }}>{written(x)}</dd>
          </div>
        ))}
      </dl>
      <May to="write">
        <Button size="xs" variant="default" mt={12} onClick={() => onTake(d.onnx)}>
          Put it into the form
        </Button>
      </May>
    </div>
  );
}

/** Which class of the model behaves like which label, and a better order where there is one. */
function Labels({ v, of: l }: { v: ModelVersion; of: LabelsOfAModelBesideThoseOfImages }) {
  const most = Math.max(...l.classes.flatMap((c) => c.says), 1e-9);
  const take = () => l.suggested && takeLabels(v, l.suggested).then(() => toast.done("The labels are in the model’s order now")).catch(toast.failed);
  return (
    <div style={{ marginTop: 14 }}>
      {l.agree ? (
        <Text size="sm">{capital(l.says)}.</Text>
      ) : (
        <Caution title="The labels are in another order">
          <div>{capital(l.says)}.</div>
          {l.suggested && (
            <May to="write">
              <Button size="compact-xs" variant="default" mt={8} style={{ display: "block" }} onClick={() => void take()}>
                Put the labels into that order
              </Button>
            </May>
          )}
        </Caution>
      )}
      <details style={{ marginTop: 8 }} open={!l.agree}>
        <summary className="dim" style={{ cursor: "pointer" }}>
          Which class behaves like which label
        </summary>
        <div style={{ overflowX: "auto" }} tabIndex={0} role="region" aria-label="Classes beside labels">
          <table className="mono" style={{ borderSpacing: 2, borderCollapse: "separate", marginTop: 6 }}>
            <thead>
              <tr>
                <th style={{ textAlign: "left", fontWeight: 400, paddingRight: 12 }} className="dim">the model says</th>
                {l.names.map((n) => (
                  <th key={n} style={{ fontWeight: 400, padding: "0 8px" }}>{n}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {l.classes.map((c) => (
                <tr key={c.number}>
                  <th style={{ textAlign: "left", fontWeight: 400, paddingRight: 12 }}>
                    <span className="dim">{c.number}</span> {c.called}
                  </th>
                  {c.says.map((x, i) => (
                    <td key={l.names[i]} style={{ textAlign: "right", padding: "2px 8px", borderRadius: 3, background: `color-mix(in srgb, var(--accent) ${Math.round((45 * x) / most)}%, transparent)` }}>
                      {x ? figure(x, 1) : "·"}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </div>
  );
}

function Outcome({ v, of: r, onTake }: { v: ModelVersion; of: WhatImagesToldOfADescription; onTake: (onnx: Told) => void }) {
  return (
    <div>
      {r.state === "FOUND" && <Text size="sm">Found: {r.says}.</Text>}
      {r.state === "UNCLEAR" && <Caution title="Two descriptions are about as good: which is it?"><div>{capital(r.says)}. They differ in {r.differ.join(", ")}.</div></Caution>}
      {r.state === "NOTHING" && <Caution title="Nothing was found"><div>{capital(r.says)}</div></Caution>}
      {r.state !== "NOTHING" && (
        <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(260px, 1fr))", gap: 14, marginTop: 12, maxWidth: r.state === "FOUND" ? 420 : undefined }}>
          <Tried of={r.best} beside={r.state === "UNCLEAR" ? r.second : null} metric={r.metric} onTake={onTake} />
          {r.state === "UNCLEAR" && r.second && <Tried of={r.second} beside={r.best} metric={r.metric} onTake={onTake} />}
        </div>
      )}
      {r.undecided.length > 0 && <Text size="sm" mt={10}>These images cannot decide {r.undecided.join(", ")}: the usual is taken, and it hardly matters for such images.</Text>}
      {r.state !== "NOTHING" && <Labels v={v} of={r.labels} />}
      <Text size="xs" c="dimmed" mt={8}>
        {plural(r.tried, "description")} tried on {plural(r.pictures, "image")} in {figure(r.seconds, 1)} s.
      </Text>
    </div>
  );
}

function Working({ v, job, part }: { v: ModelVersion; job: string; part: number | null }) {
  const [now, setNow] = useState<{ progress?: number | null; doing?: string | null }>({});
  useEffect(() => {
    let left = false;
    const over = () => left || evidenceIsOver(v.id);
    followJob(job, (j) => left || setNow(j as typeof now)).then(over, over);
    return () => void (left = true);
  }, [job, v.id]);
  return (
    <div style={{ display: "grid", gridTemplateColumns: "1fr auto", gap: "8px 16px", alignItems: "center" }} aria-live="polite">
      <Progress value={100 * (now.progress ?? part ?? 0)} aria-label="Search for the description" />
      <May to="write">
        <Button size="compact-xs" variant="default" onClick={() => stopFinding(job).catch(toast.failed)}>
          Stop
        </Button>
      </May>
      <span className="dim">{now.doing ? `${capital(now.doing)} …` : "Waiting for its turn …"}</span>
    </div>
  );
}

export function FindOut({ v, onTake }: { v: ModelVersion; onTake: (onnx: Told) => void }) {
  const asked = useEvidence(v.id);
  const e = asked.data?.evidence;
  const [chosen, setChosen] = useState<string | null>();
  const from = chosen === undefined ? (e?.dataset_version?.id ?? null) : chosen;
  const [starting, setStarting] = useState(false);
  const start = () => {
    if (!from) return;
    setStarting(true);
    findOut(v.id, from)
      .catch(toast.failed)
      .finally(() => setStarting(false));
  };
  return (
    <div data-testid="evidence" style={{ marginTop: 22, paddingTop: 16, borderTop: "1px solid var(--line)" }}>
      <b style={{ fontWeight: 540 }}>Find it out</b>
      <Text size="sm" c="dimmed" mb={10}>
        Some twenty annotated images tell which description fits: the usual ones are tried, and the best is taken if it leads clearly.
      </Text>
      {asked.error && <Fault error={asked.error} />}
      {e?.state === "WORKING" ? (
        <Working v={v} job={e.job_id} part={e.progress} />
      ) : (
        <May to="write">
          <div style={{ display: "grid", gridTemplateColumns: "minmax(0, 1fr) auto", gap: 8, maxWidth: 620, marginBottom: 14 }}>
            <VersionPick name="the images" value={e?.dataset_version ?? null} onChange={setChosen} />
            <Button size="sm" variant="default" loading={starting} disabled={!from} onClick={start}>
              {e ? "Try again" : "Find it out"}
            </Button>
          </div>
        </May>
      )}
      {e?.state === "FAILED" && <Caution title="The search has failed"><div>{capital(e.error ?? "")}</div></Caution>}
      {e?.result && (
        <>
          <Text size="xs" c="dimmed" mb={6}>
            By images of {e.dataset_version ? `${e.dataset_version.origin_name} / ${e.dataset_version.version}` : "a version that is gone"}, <Time at={e.ended_at} />
          </Text>
          <Outcome v={v} of={e.result} onTake={onTake} />
        </>
      )}
    </div>
  );
}
