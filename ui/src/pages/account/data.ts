import type { NewToken, Token, User } from "../../api/answers";
import { del, patch, post, type Page } from "../../api/client";
import { touch, useGet } from "../../api/query";
import { signIn, switchOrganization, useSession, useSignedIn } from "../../api/session";
import type { Organization } from "../../api/types";

export interface Failure {
  status: number;
  message: string;
  detail: string;
  call: string;
}
export const useWho = useSession;
export const enter = signIn;
export { switchOrganization, useSignedIn };

export type { Token, User };

export const useUsers = () => useGet<Page<User>>("/api/users");
export const addUser = (u: { username: string; password: string; role: string }) => post<User>("/api/users", u).then((r) => (touch("/api/users"), r));
export const changeUser = (id: string, change: Partial<{ role: string; password: string; revoke_tokens: boolean }>) => patch<User>(`/api/user/${id}`, change).then((r) => (touch("/api/users"), r));
export const useTokens = () => useGet<Page<Token>>("/api/tokens");
export const addToken = (name: string) => post<NewToken>("/api/tokens", { name }).then((r) => (touch("/api/tokens"), r));
export const dropToken = (id: string) => del(`/api/token/${id}`).then(() => touch("/api/tokens"));
export const changeOwnPassword = (old_password: string, password: string, revoke_tokens: boolean) => post("/api/user/password", { old_password, password, revoke_tokens }).then(() => touch("/api/tokens"));
const members = (org: string) => `/api/organization/${org}/members`;
export const invite = (org: string, username: string, role: string) => post<User>(members(org), { username, role }).then((r) => (touch("/api/users"), r));
export const changeRole = (org: string, id: string, role: string) => patch<User>(`/api/organization/${org}/member/${id}`, { role }).then((r) => (touch("/api/users"), r));
export const addOrganization = (name: string) => post<Organization>("/api/organizations", { name }).then((r) => (touch("/api/organizations"), r));
export const renameOrganization = (id: string, name: string) => patch(`/api/organization/${id}`, { name }).then(() => touch("/api/session", "/api/organizations"));
export const leaveOrganization = (id: string) => post(`/api/organization/${id}/leave`);
export const useOrganizations = () => useGet<Page<Organization>>("/api/organizations", { limit: 100 });
export const removeUser = (id: string) => del(`/api/user/${id}`).then(() => touch("/api/users"));
