// The review queue: the next images that the server gives to this person, some ahead of where they are.
import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "../../api/client";
import type { Rows } from "../../api/query";
import { takeFromQueue, type PredictedAsset } from "./data";
import type { Sender } from "./sender";

const AHEAD = 12;
const AT_ONCE = 20;

interface Taken {
  of: string;
  items: PredictedAsset[];
  chosen: ReadonlyMap<string, string>;
  dry: boolean;
  error: ApiError | null;
}
const nothing = (of: string): Taken => ({ of, items: [], chosen: new Map(), dry: false, error: null });

/** order null: nothing is taken. What is still on its way is sent before an order is begun: it gives back what the last one gave. chosen: how each image was. `dry`: the server has no more. */
export function useQueue(deployment: string, order: string | null, q: string, index: number, sender: Sender): Rows<PredictedAsset> & { chosen: ReadonlyMap<string, string>; dry: boolean } {
  const of = JSON.stringify([deployment, order, q]);
  const [kept, setKept] = useState<Taken>(() => nothing(of));
  const now = kept.of === of ? kept : nothing(of);
  const asking = useRef("");
  const known = useRef(false); // what an earlier page had is given back by the first call
  useEffect(() => {
    known.current = false;
  }, [of]);
  const more = useCallback(() => {
    if (order === null || asking.current === of) return;
    asking.current = of;
    const anew = !known.current;
    known.current = true;
    (anew ? sender.idle() : Promise.resolve())
      .then(() => takeFromQueue(deployment, { order, q, anew, limit: AT_ONCE }))
      .then((got) =>
        setKept((old) => {
          const before = old.of === of ? old : nothing(of);
          const have = new Set(before.items.map((a) => a.id));
          const fresh = got.filter((g) => !have.has(g.prediction.id));
          return { of, items: [...before.items, ...fresh.map((g) => g.prediction)], chosen: new Map([...before.chosen, ...fresh.map((g) => [g.prediction.id, g.chosen] as const)]), dry: !fresh.length, error: null };
        }),
      )
      .catch((e: unknown) => setKept((old) => ({ ...(old.of === of ? old : nothing(of)), error: e instanceof ApiError ? e : new ApiError(0, String(e), "", "") })))
      .finally(() => {
        if (asking.current === of) asking.current = "";
      });
  }, [deployment, order, q, of, sender]);
  useEffect(() => {
    if (!now.dry && !now.error && now.items.length <= index + AHEAD) more();
  }, [now.dry, now.error, now.items.length, index, more]);
  const again = useCallback(() => setKept((old) => ({ ...old, dry: false, error: null })), []);
  const at = useCallback((i: number) => now.items[i], [now.items]);
  const want = useCallback(() => undefined, []);
  return { count: now.items.length || now.dry ? now.items.length : undefined, atLeast: !now.dry, at, want, error: now.error, loading: !now.items.length && !now.dry && !now.error, again, chosen: now.chosen, dry: now.dry };
}
