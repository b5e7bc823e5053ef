// The predictions of a deployment: with their shapes and states; reviewed ones go to the feedback loop.
import { ActionIcon, Button, Menu, SegmentedControl, Slider, Switch } from "@mantine/core";
import { useMemo, useState } from "react";
import { count as n, countWords, plural } from "../../kit/format";
import { Grid, chosenCount, nothing, type Choice } from "../../kit/grid";
import { IconRocket, IconSend, IconX } from "../../kit/icons";
import { useKeys } from "../../kit/keys";
import { useMay } from "../../kit/may";
import { labelColours } from "../../kit/palette";
import { CopyBlock, Empty, Fault } from "../../kit/parts";
import { QueryBar } from "../../kit/query-bar";
import { toast } from "../../kit/toast";
import { navigate, setUrl, useUrl } from "../../kit/url";
import { commandOf } from "./command";
import { useFigure } from "./behind";
import { complete, reviewedIds, useDeploymentLabels, usePredictions, type Deployment } from "./data";
import { predictionTile } from "./parts";
import { useSend } from "./send";

/** No figure any more. */
const others = { cell: null, of: null, objects: null, placed: null };
const states = { "": "All", TO_REVIEW: "To review", REVIEWED: "Reviewed", SUBMITTED: "In the loop" };

export function Predictions({ deployment: d }: { deployment: Deployment }) {
  const [q] = useUrl("q");
  const [state] = useUrl("state");
  const [size, setSize] = useUrl("size", "260");
  const [shadow, setShadow] = useUrl("shadow");
  const query = [state && `status = "${state}"`, q && (state ? `(${q})` : q)].filter(Boolean).join(" and ");
  const labels = useDeploymentLabels(d.id);
  const { figure, says } = useFigure(labels.data?.items);
  const rows = usePredictions(d.id, query, figure);
  const [choice, setChoice] = useState<Choice>(nothing);
  const [busy, setBusy] = useState(false);
  const may = useMay();
  const loop = useSend(d.id, () => undefined);
  const colours = useMemo(() => labelColours(labels.data?.items ?? []), [labels.data]);
  const px = Number(size) || 260;
  const total = rows.count ?? 0;
  const chosen = chosenCount(choice, total);
  const at = (i: number) => {
    const a = rows.at(i);
    return a && predictionTile(a, colours, px, shadow === "on");
  };
  useKeys("Predictions", [
    { keys: "/", says: "Write a query" },
    { keys: "Enter", says: "Review the prediction" },
    { keys: "X", says: "Choose the prediction" },
    { keys: "mod+A", says: "Choose all of the query", run: () => setChoice({ all: true, ids: new Set() }) },
    { keys: "Escape", says: "Choose nothing", run: () => setChoice(nothing) },
  ]);
  const send = async (all: boolean) => {
    setBusy(true);
    try {
      const ids = all || choice.all ? await reviewedIds(d.id, all ? 'status = "REVIEWED"' : query, all ? null : figure) : [...choice.ids];
      await loop.send(ids);
      setChoice(nothing);
    } catch (e) {
      toast.failed(e as Error);
    } finally {
      setBusy(false);
    }
  };
  const wrongQuery = rows.error?.status === 400 && q ? [rows.error.message, rows.error.detail].filter(Boolean).join(". ") : null;
  if (rows.count === 0 && !query && !figure)
    return (
      <Empty icon={IconRocket} title="No predictions yet">
        <span style={{ display: "block", marginBottom: 12 }}>Send it an image:</span>
        <span style={{ display: "block", textAlign: "left" }}>
          <CopyBlock text={commandOf(d)} />
        </span>
      </Empty>
    );
  return (
    <div className="fill">
      <div className="bar">
        <QueryBar of="prediction" value={q} onSubmit={(t) => { setChoice(nothing); setUrl({ ...others, q: t || null }); }} complete={complete} error={wrongQuery} placeholder='Search, for example  score < 0.5 and source = "line-1"' />
        <SegmentedControl size="xs" value={state} onChange={(s) => { setChoice(nothing); setUrl({ ...others, state: s || null }); }} data={Object.entries(states).map(([value, label]) => ({ value, label }))} aria-label="State" />
        {d.shadow_model_version && <Switch size="xs" label="Shadow" checked={shadow === "on"} onChange={(e) => setShadow(e.currentTarget.checked ? "on" : null)} />}
        <Slider thumbLabel="Size of the pictures" w={80} size={3} thumbSize={14} min={140} max={480} step={10} label={null} value={px} onChange={(v) => setSize(String(v))} />
      </div>
      {figure && (
        <div className="bar" style={{ paddingTop: 0, minHeight: 24 }}>
          <span data-testid="cell">{says}</span>
          <Button variant="subtle" size="compact-xs" leftSection={<IconX size={13} />} onClick={() => setUrl({ ...others, q: null })}>
            Show others too
          </Button>
        </div>
      )}
      {chosen > 0 ? (
        <div className="choice-bar">
          <b>{countWords(chosen, choice.all && rows.atLeast, "prediction")} chosen</b>
          {!choice.all && chosen < total && (
            <Button variant="subtle" size="compact-xs" onClick={() => setChoice({ all: true, ids: new Set() })}>
              Choose all{rows.atLeast ? "" : ` ${n(total)}`}
            </Button>
          )}
          <span style={{ flex: 1 }} />
          {may("write") && (
            <Button leftSection={<IconSend size={15} />} loading={busy} onClick={() => void send(false)}>
              Send to the feedback loop
            </Button>
          )}
          <ActionIcon onClick={() => setChoice(nothing)} aria-label="Choose nothing">
            <IconX size={16} />
          </ActionIcon>
        </div>
      ) : (
        <div className="bar dim" style={{ paddingTop: 0, minHeight: 24 }}>
          {rows.count !== undefined && countWords(total, rows.atLeast, "prediction")}
          {may("write") && !!d.counts?.reviewed && d.pipelines?.fl && (
            <Button variant="subtle" size="compact-xs" leftSection={<IconSend size={14} />} loading={busy} onClick={() => void send(true)}>
              Send {plural(d.counts.reviewed, "reviewed one")} to the feedback loop
            </Button>
          )}
          {may("write") && !!d.counts?.reviewed && d.pipelines && !d.pipelines.fl && (
            <Menu position="bottom-start">
              <Menu.Target>
                <Button variant="subtle" size="compact-xs">
                  {plural(d.counts.reviewed, "reviewed one")} could train the next model
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item onClick={() => navigate(`/deployments/${d.id}?tab=settings`)}>Set up the feedback loop</Menu.Item>
              </Menu.Dropdown>
            </Menu>
          )}
        </div>
      )}
      {rows.error && !wrongQuery ? (
        <div className="body">
          <Fault error={rows.error} again={rows.again} />
        </div>
      ) : rows.count === 0 ? (
        <Empty icon={IconRocket} title="None of these" action={<Button variant="default" onClick={() => setUrl({ ...others, q: null, state: null })}>Show all</Button>} />
      ) : (
        <Grid label="Predictions" count={rows.count} at={at} want={rows.want} size={px} choice={choice} onChoose={setChoice} onOpen={(_, t) => navigate(`/review/${d.id}?asset=${t.id}${query ? `&q=${encodeURIComponent(query)}` : ""}`)} />
      )}
      {loop.question}
    </div>
  );
}
