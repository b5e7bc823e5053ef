import { del, patch, post, type Page } from "../../api/client";
import { touch, useGet } from "../../api/query";
import { signIn, useSession, useSignedIn } from "../../api/session";

export interface Failure {
  status: number;
  message: string;
  detail: string;
  call: string;
}
export const useWho = useSession;
export const enter = signIn;
export { useSignedIn };

export interface User {
  id: string;
  username: string;
  role: string;
  created_at?: string;
  last_login_at?: string | null;
}
export interface Token {
  id: string;
  name: string;
  hint?: string;
  username?: string;
  created_at?: string;
  last_used_at?: string | null;
  expires_at?: string | null;
}

export const useUsers = () => useGet<Page<User>>("/api/users");
export const addUser = (u: { username: string; password: string; role: string }) => post<User>("/api/users", u).then((r) => (touch("/api/users"), r));
export const changeUser = (id: string, change: Partial<{ role: string; password: string; revoke_tokens: boolean }>) => patch<User>(`/api/user/${id}`, change).then((r) => (touch("/api/users"), r));
export const useTokens = () => useGet<Page<Token>>("/api/tokens");
export const addToken = (name: string) => post<Token & { token: string }>("/api/tokens", { name }).then((r) => (touch("/api/tokens"), r));
export const dropToken = (id: string) => del(`/api/token/${id}`).then(() => touch("/api/tokens"));
export const changeOwnPassword = (old_password: string, password: string, revoke_tokens: boolean) => post("/api/user/password", { old_password, password, revoke_tokens });
export const removeUser = (id: string) => del(`/api/user/${id}`).then(() => touch("/api/users"));
