// Review predictions: the board with scores; accept as it is, or correct and save.
import { Button, SegmentedControl, Slider, Tooltip } from "@mantine/core";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useParams, useSearch } from "wouter";
import { startHistory, type History } from "../../canvas/edit";
import { milliseconds } from "../../kit/format";
import { Head } from "../../kit/head";
import { IconUndo, IconCheck, IconPhoto, IconSend } from "../../kit/icons";
import { Empty, Fault, Kbd, Status, Time } from "../../kit/parts";
import { useMayOn } from "../../kit/may";
import { toast } from "../../kit/toast";
import { navigate, setUrl, useUrl } from "../../kit/url";
import { Bench, openOn, useEngine, type Item } from "./bench";
import { placeOfPredicted, saveReview, takeReviewBack, touch, useDeployment, useDeploymentLabels, usePredicted, type PredictedAsset } from "./data";
import { useSend } from "../deployment/send";
import { docOfPrediction, isBox, saidOf } from "./shapes";

const none: never[] = [];

export default function Review() {
  const { id = "" } = useParams();
  const search = new URLSearchParams(useSearch());
  const q = search.get("q") ?? "";
  const asset = search.get("asset");
  const index = Math.max(0, Number(search.get("i") ?? 0) || 0);
  const [model, setModel] = useUrl("model", "champion");
  const deployment = useDeployment(id);
  const labels = useDeploymentLabels(id);
  const rows = usePredicted(id, q, index);
  // What was reviewed on this page: the list stays as it was opened, so that nothing jumps.
  const [done, setDone] = useState<ReadonlyMap<string, "TO_REVIEW" | "REVIEWED" | "SUBMITTED">>(new Map());
  const now = rows.at(index);
  const status = (a: PredictedAsset) => done.get(a.id) ?? a.status;
  const may = useMayOn({ kind: "deployment", id });
  const mark = (a: string, as: "TO_REVIEW" | "REVIEWED") => setDone((old) => new Map(old).set(a, as));
  const final = !!now && (status(now) !== "TO_REVIEW" || !may("annotate"));
  const { engine, room } = useEngine(labels.data?.items ?? none, final);
  const state = useSyncExternalStore(engine?.subscribe ?? noSubscribe, engine?.snapshot ?? noState);
  const histories = useRef(new Map<string, History>());
  const shown = useRef("");
  const [busy, setBusy] = useState(false);
  const saved = useRef<number[]>([]);

  const go = (i: number) => setUrl({ i: i ? String(i) : null, asset: rows.at(i)?.id ?? null, model: null });
  const looked = useRef("");
  useEffect(() => {
    if (!asset || !now || now.id === asset || looked.current === asset) return;
    looked.current = asset;
    void placeOfPredicted(id, q, asset).then((i) => (i >= 0 ? setUrl({ i: i ? String(i) : null, asset }) : setUrl({ asset: now.id })));
  }, [asset, now, id, q]);

  const itemOf = (a: PredictedAsset): Item => ({ id: a.id, dataId: a.data.id, name: a.data.filename, width: a.data.meta?.width ?? 1, height: a.data.meta?.height ?? 1, mark: status(a) === "SUBMITTED" ? "sent" : status(a) === "REVIEWED" ? "done" : null });
  const hasShadow = !!now?.shadow;
  const which = model === "shadow" && hasShadow ? "shadow" : "champion";
  const key = now ? `${now.id} ${which} ${final ? "final" : ""}` : "";
  useEffect(() => {
    if (!engine || !now || (asset && now.id !== asset && looked.current !== now.id) || shown.current === key) return;
    const known = histories.current.get(key);
    // What was said in a review is also where a person goes on who takes it back.
    const shapes = now.review?.shapes && (final || done.has(now.id)) ? now.review.shapes : ((which === "shadow" ? now.shadow : now.champion)?.shapes ?? []);
    const kept = final && !now.review ? histories.current.get(`${now.id} ${which} `) : undefined;
    shown.current = key;
    openOn(engine, itemOf(now), known ?? kept ?? startHistory(docOfPrediction(shapes)));
    engine.show({ scores: true });
    if (now.id !== asset) setUrl({ asset: now.id });
  });
  useEffect(() => {
    if (!engine) return;
    return engine.subscribe(() => shown.current && histories.current.set(shown.current, engine.state.history));
  }, [engine]);
  useEffect(() => () => touch(`/api/deployment/${id}`), [id]);

  const items = useMemo(() => ({ count: rows.count, want: rows.want, at: (i: number) => { const a = rows.at(i); return a && itemOf(a); } }), [rows.count, rows.want, rows.at, done]);
  const edited = !!state?.history.done.length;
  const hidden = state ? state.history.doc.shapes.filter((s) => s.score !== undefined && s.score < state.least) : [];
  const next = () => {
    for (let i = index + 1; i < (rows.count ?? 0); i++) {
      const a = rows.at(i);
      if (!a || status(a) === "TO_REVIEW") return go(i);
    }
    if (index + 1 < (rows.count ?? 0)) go(index + 1);
    else toast.done("That was the last prediction of this list");
  };
  const save = async () => {
    if (!engine || !now || final || busy) return;
    if (engine.finish()) return;
    setBusy(true);
    try {
      await saveReview(now.id, engine.state.history.doc);
      mark(now.id, "REVIEWED");
      saved.current.push(index);
      next();
    } catch (e) {
      toast.failed(e as Error);
    } finally {
      setBusy(false);
    }
  };
  /** The review of this image; if there is none, the last one of this page, which is shown again. */
  const takeBack = async () => {
    const at = now && status(now) === "REVIEWED" ? index : saved.current.pop();
    const a = at === undefined ? undefined : rows.at(at);
    if (!a || at === undefined || busy || !may("annotate")) return;
    setBusy(true);
    try {
      await takeReviewBack(a.id);
      mark(a.id, "TO_REVIEW");
      if (at !== index) go(at);
    } catch (e) {
      toast.failed(e as Error);
    } finally {
      setBusy(false);
    }
  };
  const loop = deployment.data?.pipelines?.fl ?? false;
  const waiting = [...done].filter(([, s]) => s === "REVIEWED").map(([a]) => a);
  const sendable = now && status(now) === "REVIEWED" && !waiting.includes(now.id) ? [...waiting, now.id] : waiting;
  const loops = useSend(id, (ids) => setDone((old) => { const m = new Map(old); for (const a of ids) m.set(a, "SUBMITTED"); return m; }));
  const d = deployment.data;
  const prediction = which === "shadow" ? now?.shadow : now?.champion;
  const whole = prediction?.shapes.filter((s) => !isBox(s)) ?? [];
  const error = deployment.error ?? rows.error ?? labels.error;
  const back = `/deployments/${id}?tab=predictions`;
  return (
    <div className="page">
      <Head crumbs={[{ text: "Deployments", to: "/deployments" }, { text: d?.name ?? "…", to: back }, { text: now?.data.filename ?? "…" }]} id={now?.id} chips={now && <Status of={status(now)} />}>
        {may("write") && sendable.length > 0 && (
          <Tooltip label="The feedback loop of this deployment is off" disabled={loop}>
            <Button variant="default" leftSection={<IconSend size={15} />} disabled={!loop} onClick={() => void loops.send(sendable)}>
              Send {sendable.length} to the loop
            </Button>
          </Tooltip>
        )}
        {now && status(now) === "REVIEWED" && may("annotate") ? (
          <Tooltip label={<>It can be reviewed again; figures follow <Kbd>U</Kbd></>}>
            <Button variant="default" leftSection={<IconUndo size={15} />} loading={busy} onClick={() => void takeBack()}>
              Take the review back
            </Button>
          </Tooltip>
        ) : (
          <Tooltip label={final ? "It was sent to the feedback loop, or you may not review" : <>The next prediction opens <Kbd>Enter</Kbd></>}>
            <Button leftSection={<IconCheck size={15} />} loading={busy} disabled={!now || final} onClick={() => void save()}>
              {edited ? "Save review" : "Accept as it is"}
            </Button>
          </Tooltip>
        )}
      </Head>
      {error ? (
        <div className="body">
          <Fault error={error} again={rows.again} />
        </div>
      ) : rows.count === 0 ? (
        <Empty icon={IconPhoto} title={q ? "Nothing left of this list" : "No predictions yet"} action={<Button variant="default" onClick={() => navigate(back)}>Back to the predictions</Button>} />
      ) : (
        <Bench
          of="Review tool"
          engine={engine}
          room={room}
          items={items}
          index={index}
          go={go}
          labels={labels.data?.items}
          type={d?.type ?? "OBJECT_DETECTION"}
          readOnly={final}
          keys={[
            { keys: "Enter", says: "Accept as it is, or save the corrections; next", run: () => void save() },
            { keys: "U", says: "Take a review back: this one’s, or the last one’s", run: () => void takeBack() },
            { keys: "N", says: "Next one to review", run: next },
            { keys: "C", says: "Champion or shadow", run: () => hasShadow && setModel(which === "shadow" ? null : "shadow") },
          ]}
          side={
            <section style={{ padding: "0 14px 18px", display: "grid", gap: 10 }}>
              {hasShadow && !final && <SegmentedControl size="xs" fullWidth value={which} onChange={setModel} data={[{ value: "champion", label: "Champion" }, { value: "shadow", label: "Shadow" }]} aria-label="Whose prediction" />}
              <div hidden={d?.type === "CLASSIFICATION"}>
                <div style={{ display: "flex", justifyContent: "space-between" }}>
                  <span>Hide below confidence</span>
                  <b style={{ fontWeight: 600 }} data-testid="least">{(state?.least ?? 0).toFixed(2)}</b>
                </div>
                <Slider min={0} max={1} step={0.01} label={null} size={4} value={state?.least ?? 0} onChange={(v) => engine?.setLeast(v)} thumbLabel="Hide below confidence" />
                {hidden.length > 0 && !final && (
                  <Button mt={6} size="compact-xs" variant="default" onClick={() => engine?.remove(hidden.map((s) => s.id))}>
                    Delete the {hidden.length} hidden
                  </Button>
                )}
              </div>
              {whole.length > 0 && <div data-testid="said">{which === "shadow" ? "The shadow" : "The model"} says {whole.map(saidOf).join(", ")}</div>}
              <div className="dim" style={{ fontSize: 12 }}>
                {prediction?.latency != null && <>Predicted in {milliseconds(prediction.latency)}, </>}
                <Time at={now?.created_at} />
                {now?.source && <> · {now.source}</>}
              </div>
            </section>
          }
        />
      )}
      {loops.question}
    </div>
  );
}
const noSubscribe = () => () => undefined;
const noState = () => null;
