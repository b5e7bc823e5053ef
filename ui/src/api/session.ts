// Who is signed in.
import { useQuery } from "@tanstack/react-query";
import { cache } from "./query";
import { ApiError, call, get } from "./client";
import { closeEvents, heardUpTo, listenAs } from "./events";
import type { Session } from "./types";

const path = "/api/session";

async function who(): Promise<Session | null> {
  try {
    const session = await get<Session>(path);
    heardUpTo(session.last_event);
    listenAs(`${session.user.id} ${session.organization.id}`);
    return session;
  } catch (e) {
    if (e instanceof ApiError && e.status === 401) return null;
    throw e;
  }
}

/** null: nobody is signed in; undefined: not known yet. */
export function useSession(): { session: Session | null | undefined; error: ApiError | null } {
  const { data, error } = useQuery<Session | null, ApiError>({ queryKey: ["GET", path], queryFn: who, staleTime: Infinity });
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
  cache.removeQueries({ predicate: ({ queryKey }) => queryKey[1] !== path });
  await cache.refetchQueries({ queryKey: ["GET", path] });
}

export async function signOut(): Promise<void> {
  await call("DELETE", path);
  sessionEnded();
}

export function sessionEnded(): void {
  closeEvents();
  location.assign(`/login?to=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Goes to another organization, with everything that is on the page. */
export async function switchOrganization(id: string): Promise<void> {
  await call("PATCH", path, { body: { organization_id: id } });
  closeEvents();
  location.assign("/"); // loaded anew, so that nothing of the other one is kept
}
