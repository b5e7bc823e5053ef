// Who is signed in.
import { cache, useGet } from "./query";
import { ApiError, call } from "./client";
import { closeEvents } from "./events";
import type { Session } from "./types";

const path = "/api/session";

/** null: nobody is signed in; undefined: not known yet. */
export function useSession(): { session: Session | null | undefined; error: ApiError | null } {
  const { data, error } = useGet<Session>(path, undefined, { stale: Infinity });
  if (error && (error.status === 401 || error.status === 404)) return { session: null, error: null };
  return { session: data, error };
}

/** Inside the frame somebody is always signed in. */
export function useSignedIn(): Session {
  const { session } = useSession();
  if (!session) throw new Error("nobody is signed in");
  return session;
}

export async function signIn(username: string, password: string): Promise<void> {
  await call("POST", path, { body: { username, password } });
  cache.clear();
  await cache.refetchQueries({ queryKey: ["GET", path] });
}

export async function signOut(): Promise<void> {
  await call("DELETE", path);
  sessionEnded();
}

export function sessionEnded(): void {
  closeEvents();
  cache.clear();
  location.assign(`/login?to=${encodeURIComponent(location.pathname + location.search)}`);
}
