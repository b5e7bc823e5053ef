// Calls to the server: one way to send, one way to fail, pages of rows, uploads with progress.

export interface Page<T> {
  items: T[];
  count: number;
  /** false: there are at least so many; counting them all would take longer than the page. */
  count_exact?: boolean;
  next_cursor: string | null;
}

export type Params = Record<string, string | number | boolean | readonly string[] | null | undefined>;

/** A refusal by the server, or (status 0) no answer at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly detail: string,
    /** "POST /api/…", for the log and for people who ask for help. */
    readonly call: string,
  ) {
    super(message);
  }
}

export function withParams(path: string, params?: Params): string {
  if (!params) return path;
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === null || value === undefined || value === "") continue;
    if (typeof value === "object") for (const one of value) search.append(name, one);
    else search.append(name, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

async function failure(answer: Response, call: string): Promise<ApiError> {
  let message = `The server answered ${answer.status}`;
  let detail = "";
  const text = await answer.text();
  try {
    const body = JSON.parse(text) as { message?: unknown; detail?: unknown };
    if (typeof body.message === "string") message = body.message;
    if (typeof body.detail === "string") detail = body.detail;
    else if (body.detail !== undefined && body.detail !== null) detail = JSON.stringify(body.detail);
  } catch {
    detail = text.slice(0, 300);
  }
  return new ApiError(answer.status, message, detail, call);
}

let onSignedOut: () => void = () => undefined;
/** What to do when the session has ended while the page is open. */
export function whenSignedOut(f: () => void): void {
  onSignedOut = f;
}

export interface CallOptions {
  params?: Params;
  body?: unknown;
  form?: FormData;
  signal?: AbortSignal;
}

export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const url = withParams(path, options.params);
  const headers: Record<string, string> = { "X-Requested-With": "saccade", Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  const sent = options.form ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  let answer: Response;
  try {
    answer = await fetch(url, {
      method,
      headers,
      credentials: "same-origin",
      ...(sent === undefined ? {} : { body: sent }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (e) {
    if (e instanceof DOMException && e.name === "AbortError") throw e;
    throw new ApiError(0, "The server does not answer", "Is it running, and is the network up?", `${method} ${path}`);
  }
  if (!answer.ok) {
    const e = await failure(answer, `${method} ${path}`);
    if (answer.status === 401 && path !== "/api/session") onSignedOut();
    throw e;
  }
  const text = await answer.text();
  return (text ? JSON.parse(text) : {}) as T;
}

export const get = <T>(path: string, params?: Params, signal?: AbortSignal) =>
  call<T>("GET", path, { ...(params ? { params } : {}), ...(signal ? { signal } : {}) });
export const post = <T>(path: string, body: unknown = {}) => call<T>("POST", path, { body });
export const put = <T>(path: string, body: unknown = {}) => call<T>("PUT", path, { body });
export const patch = <T>(path: string, body: unknown) => call<T>("PATCH", path, { body });
export const del = <T>(path: string, body?: unknown) => call<T>("DELETE", path, body === undefined ? {} : { body });

/** All rows of a list, page after page, at most `most`. */
export async function all<T>(path: string, params: Params = {}, most = 100_000): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await get<Page<T>>(path, { ...params, limit: 1000, cursor });
    items.push(...page.items);
    cursor = page.next_cursor ?? null;
  } while (cursor && items.length < most);
  return items;
}
