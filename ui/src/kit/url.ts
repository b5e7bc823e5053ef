// Page state lives in the URL, so that back, reload and sharing work.
import { useCallback } from "react";
import { navigate } from "wouter/use-browser-location";
import { useSearch } from "wouter";

export function setUrl(changes: Record<string, string | null>, options: { push?: boolean } = {}): void {
  const search = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") search.delete(name);
    else search.set(name, value);
  }
  const text = search.toString();
  const to = location.pathname + (text ? `?${text}` : "");
  if (to !== location.pathname + location.search) navigate(to, { replace: !options.push });
}

/** One member of the page's state; the fallback is not written. */
export function useUrl(name: string, fallback = ""): [string, (value: string | null) => void] {
  const value = new URLSearchParams(useSearch()).get(name) ?? fallback;
  const set = useCallback((v: string | null) => setUrl({ [name]: v === fallback ? null : v }), [name, fallback]);
  return [value, set];
}

export { navigate };
