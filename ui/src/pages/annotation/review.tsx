// Review predictions: the board with scores; accept as it is, or correct and save.
import { Button, Menu, SegmentedControl, Select, Slider, Tooltip } from "@mantine/core";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useParams, useSearch } from "wouter";
import { startHistory, type History } from "../../canvas/edit";
import { count as figureOf, milliseconds, plural } from "../../kit/format";
import { Head } from "../../kit/head";
import { IconAlert, IconCheck, IconPhoto, IconSend, IconUndo } from "../../kit/icons";
import { Empty, Fault, Kbd, Status, Time } from "../../kit/parts";
import { useMayOn } from "../../kit/may";
import { toast } from "../../kit/toast";
import { navigate, setUrl, useUrl } from "../../kit/url";
import { useQueue } from "./queue";
import { Sender, type SenderState } from "./sender";
import { Bench, openOn, useEngine, type Item } from "./bench";
import { leaveQueue, placeOfPredicted, saveReview, skip, skipNot, takeReviewBack, touch, useDeployment, useDeploymentLabels, usePredicted, useQueueCounts, type PredictedAsset } from "./data";
import { useSend } from "../deployment/send";
import { docOfPrediction, isBox, saidOf } from "./shapes";

const none: never[] = [];

/** What comes next: by what a review teaches, or a list as it is. */
const orders = [
  { order: "MIXED", text: "What teaches most", says: "Unsure, disputed, and a share by chance, in turns" },
  { order: "UNCERTAIN", text: "Unsure", says: "What the champion is least sure of" },
  { order: "DISAGREE", text: "Disputed", says: "What champion and shadow see differently" },
  { order: "OUTLYING", text: "Unlike the training", says: "What is least like the images that were learnt from" },
  { order: "RANDOM", text: "By chance", says: "A fair sample of all images: figures rest on these" },
  { order: "SKIPPED", text: "Skipped", says: "What was put aside" },
];
const chosenWord: Record<string, string> = { RANDOM: "Drawn by chance: figures rest on its review", UNCERTAIN: "The champion is not sure of it", DISAGREE: "Champion and shadow see it differently", OUTLYING: "It is unlike the training images" };

export default function Review() {
  const { id = "" } = useParams();
  const search = new URLSearchParams(useSearch());
  const q = search.get("q") ?? "";
  const asset = search.get("asset");
  const index = Math.max(0, Number(search.get("i") ?? 0) || 0);
  const [model, setModel] = useUrl("model", "champion");
  const deployment = useDeployment(id);
  const labels = useDeploymentLabels(id);
  const order = search.get("queue");
  const list = usePredicted(order ? null : id, q, index);
  const [sender] = useState(() => new Sender());
  const queue = useQueue(id, order, q, index, sender);
  const rows = order ? queue : list;
  const counts = useQueueCounts(id);
  const sending = useSyncExternalStore(sender.subscribe, sender.snapshot);
  // What was reviewed on this page: the list stays as it was opened, so that nothing jumps.
  const [done, setDone] = useState<ReadonlyMap<string, Mark>>(new Map());
  const now = rows.at(index);
  const status = (a: PredictedAsset) => done.get(a.id) ?? a.status;
  const may = useMayOn({ kind: "deployment", id });
  const mark = (a: string, as: Mark) => setDone((old) => new Map(old).set(a, as));
  const final = !!now && (status(now) !== "TO_REVIEW" || !may("annotate"));
  const { engine, room } = useEngine(labels.data?.items ?? none, final);
  const state = useSyncExternalStore(engine?.subscribe ?? noSubscribe, engine?.snapshot ?? noState);
  const histories = useRef(new Map<string, History>());
  const shown = useRef("");
  const saved = useRef<number[]>([]);

  const go = (i: number) => setUrl({ i: i ? String(i) : null, asset: rows.at(i)?.id ?? null, model: null });
  const looked = useRef("");
  useEffect(() => {
    if (!asset || !now || now.id === asset || looked.current === asset || order) return;
    looked.current = asset;
    void placeOfPredicted(id, q, asset).then((i) => (i >= 0 ? setUrl({ i: i ? String(i) : null, asset }) : setUrl({ asset: now.id })));
  }, [asset, now, id, q, order]);

  const itemOf = (a: PredictedAsset): Item => ({ id: a.id, dataId: a.data.id, name: a.data.filename, width: a.data.meta?.width ?? 1, height: a.data.meta?.height ?? 1, mark: status(a) === "SUBMITTED" ? "sent" : status(a) === "REVIEWED" ? "done" : status(a) === "SKIPPED" ? "skipped" : null });
  const hasShadow = !!now?.shadow;
  const which = model === "shadow" && hasShadow ? "shadow" : "champion";
  const key = now ? `${now.id} ${which} ${final ? "final" : ""}` : "";
  useEffect(() => {
    if (!engine || !now || (!order && asset && now.id !== asset && looked.current !== now.id) || shown.current === key) return;
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
  const queued = useRef(false);
  queued.current ||= order !== null;
  useEffect(
    () => () =>
      void sender
        .idle()
        .then(() => (queued.current ? leaveQueue(id) : undefined))
        .catch(() => undefined)
        .then(() => touch(`/api/deployment/${id}`)),
    [id, sender],
  );
  useEffect(() => {
    const ask = (e: BeforeUnloadEvent) => {
      if (sender.state.waiting) e.preventDefault();
    };
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [sender]);

  const items = useMemo(() => ({ count: rows.count, want: rows.want, at: (i: number) => { const a = rows.at(i); return a && itemOf(a); } }), [rows.count, rows.want, rows.at, done]);
  const edited = !!state?.history.done.length;
  const hidden = state ? state.history.doc.shapes.filter((s) => s.score !== undefined && s.score < state.least) : [];
  const next = () => {
    for (let i = index + 1; i < (rows.count ?? 0); i++) {
      const a = rows.at(i);
      if (!a || status(a) === "TO_REVIEW") return go(i);
    }
    if (index + 1 < (rows.count ?? 0)) go(index + 1);
    else if (!order || queue.dry) toast.done(order ? "That was the last one that waits" : "That was the last prediction of this list");
  };
  /** Accepting waits for nothing: the next image is on the board at once, and the review goes out behind it. */
  const save = () => {
    if (!engine || !now || final) return;
    if (engine.finish()) return;
    const doc = engine.state.history.doc;
    mark(now.id, "REVIEWED");
    saved.current.push(index);
    sender.add(now.id, () => saveReview(now.id, doc), () => mark(now.id, "TO_REVIEW"));
    next();
  };
  const putAside = () => {
    if (!now || final) return;
    mark(now.id, "SKIPPED");
    saved.current.push(index);
    sender.add(now.id, () => skip(now.id), () => mark(now.id, "TO_REVIEW"));
    next();
  };
  /** What was done to this image; if there is nothing, the last thing done on this page, whose image is shown again. */
  const takeBack = () => {
    const here = now && (status(now) === "REVIEWED" || status(now) === "SKIPPED");
    const at = here ? index : saved.current.pop();
    const a = at === undefined ? undefined : rows.at(at);
    if (!a || at === undefined || !may("annotate")) return;
    if (here) saved.current = saved.current.filter((i) => i !== index);
    const was = status(a);
    mark(a.id, "TO_REVIEW");
    sender.add(a.id, () => (was === "SKIPPED" ? skipNot(a.id) : takeReviewBack(a.id)), () => mark(a.id, was));
    if (at !== index) go(at);
  };
  const loop = deployment.data?.pipelines?.fl ?? false;
  const numberOf = (o: string) => {
    const c = counts.data?.orders.find((x) => x.order === o);
    return c ? figureOf(c.count) + (c.count_exact ? "" : "+") : "";
  };
  const why = now && order ? chosenWord[queue.chosen.get(now.id) ?? ""] : undefined;
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
        <SendState state={sending} onAgain={sender.retry} onGiveUp={sender.giveUp} />
        <Select
          size="xs"
          w={190}
          maxDropdownHeight={420}
          aria-label="What comes next"
          allowDeselect={false}
          value={order ?? "LIST"}
          onChange={(o) => { setUrl({ queue: o === "LIST" ? null : o, i: null, asset: null, model: null }); saved.current = []; }}
          data={[...orders.map((o) => ({ value: o.order, label: [o.text, numberOf(o.order)].filter(Boolean).join(" · ") })), { value: "LIST", label: "Newest first" }]}
          renderOption={({ option }) => (
            <div>
              <div>{option.label}</div>
              <div className="dim" style={{ fontSize: 11 }}>{orders.find((o) => o.order === option.value)?.says ?? "All of the list, reviewed ones too"}</div>
            </div>
          )}
          comboboxProps={{ width: 300, position: "bottom-end" }}
        />
        {!final && now && may("annotate") && (
          <Tooltip label={<>Not to be reviewed, or not now <Kbd>S</Kbd></>}>
            <Button variant="default" onClick={putAside}>
              Skip
            </Button>
          </Tooltip>
        )}
        {may("write") && sendable.length > 0 && (
          <Tooltip label="The feedback loop of this deployment is off" disabled={loop}>
            <Button variant="default" leftSection={<IconSend size={15} />} disabled={!loop} onClick={() => void sender.idle().then(() => loops.send(sendable))}>
              Send {sendable.length} to the loop
            </Button>
          </Tooltip>
        )}
        {now && status(now) === "REVIEWED" && may("annotate") ? (
          <Tooltip label={<>It can be reviewed again; figures follow <Kbd>U</Kbd></>}>
            <Button variant="default" leftSection={<IconUndo size={15} />} onClick={takeBack}>
              Take the review back
            </Button>
          </Tooltip>
        ) : (
          <Tooltip label={final ? "It was sent to the feedback loop, or you may not review" : <>The next prediction opens <Kbd>Enter</Kbd></>}>
            <Button leftSection={<IconCheck size={15} />} disabled={!now || final} onClick={save}>
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
        <Empty icon={IconPhoto} title={order ? "Nothing waits in this order" : q ? "Nothing left of this list" : "No predictions yet"} action={<Button variant="default" onClick={() => navigate(back)}>Back to the predictions</Button>} />
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
            { keys: "Enter", says: "Accept as it is, or save the corrections; next", run: save },
            { keys: "S", says: "Skip: not to be reviewed, or not now", run: putAside },
            { keys: "U", says: "Take back what was done: to this one, or last", run: takeBack },
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
              {why && <div data-testid="why" style={{ fontSize: 12 }}>{why}</div>}
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
type Mark = "TO_REVIEW" | "REVIEWED" | "SUBMITTED" | "SKIPPED";

/** What is on its way, and what cannot be sent: nothing is lost, and nobody is left to think it was saved. */
function SendState({ state, onAgain, onGiveUp }: { state: SenderState; onAgain: () => void; onGiveUp: () => void }) {
  if (!state.waiting) return <span data-testid="sending" data-state="saved" />;
  if (state.problem === null)
    return (
      <span className="dim" data-testid="sending" data-state="sending">
        Saving {state.waiting > 1 ? state.waiting : ""}…
      </span>
    );
  return (
    <Menu position="bottom-end" width={320}>
      <Menu.Target>
        <Button variant="light" color="red" leftSection={<IconAlert size={15} />} data-testid="sending" data-state={state.offline ? "offline" : "refused"}>
          {state.offline ? `Offline, ${plural(state.waiting, "image")} waiting` : `Not saved: ${plural(state.waiting, "image")}`}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label style={{ whiteSpace: "normal" }}>{state.problem}</Menu.Label>
        <Menu.Item onClick={onAgain}>Try again</Menu.Item>
        {!state.offline && <Menu.Item color="red" onClick={onGiveUp}>Give up the first of them, send the others</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}
const noSubscribe = () => () => undefined;
const noState = () => null;
