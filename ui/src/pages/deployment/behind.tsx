// The predictions behind a figure: the links that open them, and what their list says and asks for.
import { useMemo, type ReactNode } from "react";
import { figure as number } from "../../kit/format";
import { useUrl } from "../../kit/url";
import type { Dashboard, Deployment, Figure, Label } from "./data";
import { useFilter, type Filter } from "./filters";

const predictions = (d: Deployment, p: Readonly<Record<string, string | undefined>>) =>
  `/deployments/${d.id}?${new URLSearchParams({ tab: "predictions", ...(Object.fromEntries(Object.entries(p).filter(([, v]) => v)) as Record<string, string>) }).toString()}`;

/** Those that the dashboard looked at and that fulfil this, too. */
export const behind = (d: Deployment, looked: Dashboard | undefined, extra?: string): string => predictions(d, { q: [looked?.query, extra].filter(Boolean).join(" and ") });

/** Of the query language: what reviewed figures rest on. */
export const reviewedOnes = 'status in ("REVIEWED", "SUBMITTED") and review.counts = True';

/** The filter as the URL has it. */
const narrowed = ({ model_version_id: version, ...rest }: Filter) => ({ since: "all", ...rest, version });
const asked = (of: Readonly<Record<string, string | number | undefined>>) => new URLSearchParams(Object.entries(of).flatMap(([k, v]) => (v === undefined ? [] : [[k, String(v)]]))).toString();

/** Those with one object that is all of this. */
export type Wanted = Readonly<{ label_id?: string; score_from?: number; score_below?: number; column?: number; row?: number }>;
export const behindObjects = (d: Deployment, filter: Filter, of: Wanted): string => predictions(d, { ...narrowed(filter), objects: asked(of) });
/** Those of a cell of the confusion matrix. */
export const behindCell = (d: Deployment, filter: Filter, of: string, truth: string | undefined, said: string | undefined): string => predictions(d, { ...narrowed(filter), cell: `${truth ?? ""}~${said ?? ""}`, of });
/** Those that lie there along a direction of the embedding. */
export type Place = Readonly<{ feature: string; title: string; since?: string; until?: string; from?: number; below?: number; to?: number }>;
export const behindPlace = (d: Deployment, of: Place): string => predictions(d, { placed: asked(of) });

const range = (from: string | undefined, below: string | undefined) => (from === undefined ? `up to ${number(Number(below))}` : below === undefined ? `from ${number(Number(from))} on` : `from ${number(Number(from))} to ${number(Number(below))}`);

/** What the URL asks to be listed in place of a query, and how that is told. */
export function useFigure(labels: readonly Label[] | undefined): { figure: Figure | null; says: ReactNode } {
  const [cell] = useUrl("cell");
  const [of] = useUrl("of", "champion");
  const [objects] = useUrl("objects");
  const [placed] = useUrl("placed");
  const { filter } = useFilter();
  return useMemo(() => {
    const called = (id: string | undefined, none: string) => (id ? (labels?.find((l) => l.id === id)?.name ?? "…") : none);
    if (cell) {
      const [truth, said] = cell.split("~");
      const says = <>Reviewed as <b>{called(truth, "nothing there")}</b>, predicted as <b>{called(said, "nothing")}</b>{of === "shadow" && " by the shadow"}</>;
      return { figure: { route: "confusion", ask: { ...filter, of, ...(truth ? { truth } : {}), ...(said ? { said } : {}) } }, says };
    }
    if (objects) {
      const ask = Object.fromEntries(new URLSearchParams(objects)) as Partial<Record<string, string>>;
      const says = (
        <>
          With {ask.label_id ? <>a <b>{called(ask.label_id, "")}</b></> : "an object"}
          {ask.score_from !== undefined && <> of a confidence {range(ask.score_from, ask.score_below)}</>}
          {ask.column !== undefined && " at that place of the image"}
          {filter.slot === "shadow" && ", by the shadow"}
        </>
      );
      return { figure: { route: "objects", ask: { ...filter, ...(ask as Record<string, string>) } }, says };
    }
    if (placed) {
      const { title, ...ask } = Object.fromEntries(new URLSearchParams(placed)) as Record<string, string>;
      return { figure: { route: "embedding", ask }, says: <><b>{title}</b> {range(ask.from, ask.below ?? ask.to)} σ</> };
    }
    return { figure: null, says: null };
  }, [cell, of, objects, placed, filter, labels]);
}
