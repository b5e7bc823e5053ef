// The one cache of what the server said, keyed by URL. Pages read with useGet/useRows, change with useAction, and say what became stale.
import { QueryClient, keepPreviousData, useMutation, useQueries, useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { ApiError, get, type Page, type Params } from "./client";
import { onReturn, subscribe } from "./events";

export const cache = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: false,
      networkMode: "always", // "offline" is the browser's guess; the server may be on this very machine, and a page that waits for ever says nothing
      retry: (n, e) => n < 2 && (!(e instanceof ApiError) || e.status === 0 || e.status >= 502),
    },
    mutations: { networkMode: "always" },
  },
});

onReturn(() => void cache.invalidateQueries());

const keyOf = (path: string, params?: Params) => ["GET", path, params ?? {}] as const;

/** One answer. A null path asks nothing yet. */
export function useGet<T>(path: string | null, params?: Params, options: { keep?: boolean; stale?: number } = {}) {
  return useQuery<T, ApiError>({
    queryKey: keyOf(path ?? "", params),
    queryFn: ({ signal }) => get<T>(path ?? "", params, signal),
    enabled: path !== null,
    ...(options.keep ? { placeholderData: keepPreviousData } : {}),
    ...(options.stale === undefined ? {} : { staleTime: options.stale }),
  });
}

/** What starts with one of these paths is asked again. */
export function touch(...paths: string[]): void {
  void cache.invalidateQueries({
    predicate: ({ queryKey }) => typeof queryKey[1] === "string" && paths.some((p) => (queryKey[1] as string).startsWith(p)),
  });
}

export function setCached<T>(path: string, change: (old: T) => T, params?: Params): void {
  cache.setQueryData<T>(keyOf(path, params), (old) => (old === undefined ? old : change(old)));
}

export interface Rows<T> {
  count: number | undefined;
  /** The count is only known to be at least that; the exact one is on its way. */
  atLeast: boolean;
  at: (i: number) => T | undefined;
  /** Says which rows are on screen; only their pages are asked for. */
  want: (first: number, last: number) => void;
  error: ApiError | null;
  loading: boolean;
  again: () => void;
}

/** A list of any length, fetched where it is looked at. */
export function useRows<T>(path: string | null, params: Params = {}, { chunk = 100, pin = 0 } = {}): Rows<T> {
  const key = JSON.stringify([path, params]);
  const [range, setRange] = useState<{ key: string; first: number; last: number }>({ key, first: 0, last: 0 });
  const at0 = range.key === key ? range : { first: 0, last: 0 };
  const chunks: number[] = [];
  for (let c = Math.floor(at0.first / chunk); c <= Math.floor(at0.last / chunk); c++) chunks.push(c);
  // The first page tells the count; the page with `pin` and its neighbours are kept at hand.
  for (const i of [pin + 2, pin, pin - 2, 0]) {
    const c = Math.max(0, Math.floor(i / chunk));
    if (!chunks.includes(c)) chunks.push(c);
  }
  const answers = useQueries({
    queries: chunks.map((c) => ({
      queryKey: keyOf(path ?? "", { ...params, limit: chunk, offset: c * chunk, count: "short" }),
      queryFn: ({ signal }: { signal: AbortSignal }) => get<Page<T>>(path ?? "", { ...params, limit: chunk, offset: c * chunk, count: "short" }, signal),
      enabled: path !== null,
    })),
  });
  const first = answers[chunks.indexOf(0)];
  // Pictures do not wait for the number of all of them, which may take longer.
  const vague = first?.data?.count_exact === false;
  const whole = useGet<Page<T>>(vague ? path : null, { ...params, limit: 1, count: "exact" });
  const exact = vague ? whole.data?.count : undefined;
  const at = (i: number): T | undefined => {
    const c = chunks.indexOf(Math.floor(i / chunk));
    return c < 0 ? undefined : answers[c]?.data?.items[i % chunk];
  };
  const want = useCallback(
    (a: number, b: number) =>
      setRange((old) => {
        const lo = Math.floor(a / chunk) * chunk;
        const hi = Math.floor(b / chunk) * chunk;
        return old.key === key && old.first === lo && old.last === hi ? old : { key, first: lo, last: hi };
      }),
    [key, chunk],
  );
  const error = (answers.find((a) => a.error)?.error ?? null) as ApiError | null;
  return {
    count: exact ?? first?.data?.count,
    atLeast: vague && exact === undefined,
    at,
    want,
    error,
    loading: path !== null && !first?.data && !error,
    again: () => answers.forEach((a) => void a.refetch()),
  };
}

/** An action with its state; the caller shows errors and success. */
export function useAction<In, Out>(act: (input: In) => Promise<Out>, stale: (input: In, out: Out) => string[] = () => []) {
  return useMutation<Out, ApiError, In>({ mutationFn: act, onSuccess: (out, input) => touch(...stale(input, out)) });
}

/** Live events of a topic while the component is shown. */
export function useEvents(topic: string | null, f: (data: unknown) => void): void {
  const [keep] = useState<{ f: (data: unknown) => void }>({ f });
  useEffect(() => {
    keep.f = f;
  });
  useEffect(() => (topic === null ? undefined : subscribe(topic, (d) => keep.f(d))), [topic, keep]);
}

/** Runs f at most once per `ms`, with the last call never lost. */
export function useThrottled(f: () => void, ms: number): () => void {
  const state = useMemo(() => ({ at: 0, timer: undefined as ReturnType<typeof setTimeout> | undefined, f }), []);
  useEffect(() => {
    state.f = f;
  });
  useEffect(() => () => clearTimeout(state.timer), [state]);
  return useCallback(() => {
    if (state.timer !== undefined) return;
    state.timer = setTimeout(
      () => {
        state.timer = undefined;
        state.at = Date.now();
        state.f();
      },
      Math.max(0, state.at + ms - Date.now()),
    );
  }, [state, ms]);
}
