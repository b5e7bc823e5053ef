// What the person at the page may do: by the role in the organization, or by what was given to them on the thing that is shown.
import { createContext, useContext, type ReactNode } from "react";
import { useGet } from "../api/query";
import { useSession } from "../api/session";
import type { UsersWithAccess } from "../api/types";

export const roles = ["viewer", "annotator", "member", "admin", "owner"] as const;
export type Role = (typeof roles)[number];
export type Right = "read" | "annotate" | "write" | "admin";

/** The least role for each. */
const least: Record<Right, Role> = { read: "viewer", annotate: "annotator", write: "member", admin: "admin" };
const rank = (role: string) => roles.indexOf(role.toLowerCase() as Role);
export const roleMay = (role: string, to: Right) => rank(role) >= rank(least[to]);

/** What access is given on: it holds for all that is below it. */
export interface Thing {
  kind: "dataset" | "project" | "model" | "deployment" | "datalake";
  id: string;
}
export const accessPath = (t: Thing) => `/api/access/${t.kind}/${t.id}/users`;
export const useAccess = (t: Thing | null) => useGet<UsersWithAccess>(t && accessPath(t));

const Here = createContext<string | null>(null);

function useOrgRole(): string {
  return useSession().session?.user.role ?? "viewer";
}

/** The role on a thing. Whoever may write everywhere need not ask. */
function useRoleOn(thing: Thing | null): string {
  const { session } = useSession();
  const own = useOrgRole();
  const access = useAccess(thing && !roleMay(own, "write") ? thing : null);
  return access.data?.users.find((u) => u.id === session?.user.id)?.role ?? own;
}
export function useMayOn(thing: Thing | null): (to: Right) => boolean {
  const role = useRoleOn(thing);
  return (to) => roleMay(role, to);
}

/** Says for all below which thing the page is about. */
export function On({ thing, children }: { thing: Thing | null; children: ReactNode }) {
  return <Here.Provider value={useRoleOn(thing)}>{children}</Here.Provider>;
}

export function useMay(): (to: Right) => boolean {
  const here = useContext(Here);
  const own = useOrgRole();
  return (to) => roleMay(here ?? own, to);
}

/** Shown to those who may. */
export function May({ to, children }: { to: Right; children: ReactNode }) {
  return useMay()(to) ? <>{children}</> : null;
}
