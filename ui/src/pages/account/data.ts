import type { BucketConnector as Connector, BucketSync, Datalake, Delivery, EventOfWebhooks, MailServerOfAnOrganization as MailServer, NewToken, TestOfAConnector as ConnectorTest, Token, User, Webhook, WebhookWithItsSecret } from "../../api/answers";
import { del, patch, post, put, type Page } from "../../api/client";
import { touch, useEvents, useGet, useThrottled } from "../../api/query";
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

export type { Connector, ConnectorTest, Delivery, MailServer, Token, User, Webhook };

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

// ---- what is told outside
const hooks = "/api/webhook";
const org = (id: string, what: string) => `/api/organization/${id}/${what}`;
const staleTold = () => touch("/api/organization", hooks, "/api/delivery");
export const useWebhookEvents = () => useGet<EventOfWebhooks[]>("/api/webhooks/events", {}, { stale: Infinity });
export function useWebhooks(id: string) {
  useEvents("delivery", staleTold);
  return useGet<Page<Webhook>>(org(id, "webhooks"), { limit: 100 });
}
export const addWebhook = (id: string, w: { url: string; events: string[] }) => post<WebhookWithItsSecret>(org(id, "webhooks"), w).then((r) => (staleTold(), r));
export const changeWebhook = (id: string, w: Partial<{ url: string; events: string[]; active: boolean }>) => patch(`${hooks}/${id}`, w).then(staleTold);
export const removeWebhook = (id: string) => del(`${hooks}/${id}`).then(staleTold);
export const newSecret = (id: string) => post<WebhookWithItsSecret>(`${hooks}/${id}/secret`).then((r) => (staleTold(), r));
export const testWebhook = (id: string) => post(`${hooks}/${id}/test`).then(staleTold);
export const useDeliveries = (id: string | null) => useGet<Page<Delivery>>(id && `${hooks}/${id}/deliveries`, { limit: 50 });
export const useDelivery = (id: string) => useGet<Delivery>(`/api/delivery/${id}`);
export const redeliver = (id: string) => post(`/api/delivery/${id}/redeliver`).then(staleTold);
export const useMail = (id: string) => useGet<MailServer>(org(id, "mail"));
export function useLetters(id: string) {
  useEvents("delivery", staleTold);
  return useGet<Page<Delivery>>(org(id, "letters"), { limit: 50 });
}
export const setMail = (id: string, m: { host: string; security: string; port: number; username: string | null; sender: string; password?: string }) => put(org(id, "mail"), m).then(staleTold);
export const forgetMail = (id: string) => del(org(id, "mail")).then(staleTold);
export const testMail = (id: string, to: string) => post(org(id, "mail/test"), { to }).then(staleTold);

// ---- storage
const staleStorage = () => touch("/api/organization", "/api/connector", "/api/datalake");
export type ConnectorInput = Pick<Connector, "name" | "endpoint" | "bucket"> & Partial<Pick<Connector, "region" | "prefix" | "path_style" | "access_key" | "profile">> & { secret_key?: string | null };
export { useConnectors } from "../../api/calls";
export const addConnector = (id: string, c: ConnectorInput) => post<Connector>(org(id, "connectors"), c).then((r) => (staleStorage(), r));
export const changeConnector = (id: string, c: Partial<ConnectorInput>) => patch<Connector>(`/api/connector/${id}`, c).then((r) => (staleStorage(), r));
export const removeConnector = (id: string) => del(`/api/connector/${id}`).then(staleStorage);
export const testConnector = (id: string) => post<ConnectorTest>(`/api/connector/${id}/test`);
export type { BucketSync };
export function useSyncs(lake: string) {
  useEvents("job", useThrottled(staleStorage, 1000));
  return useGet<Page<BucketSync>>(`/api/datalake/${lake}/syncs`, { limit: 100 });
}
export const changeSync = (id: string, c: Partial<Pick<BucketSync, "active" | "every_minutes">>) => patch(`/api/sync/${id}`, c).then(staleStorage);
export const runSync = (id: string) => post(`/api/sync/${id}/run`).then(staleStorage);
export const removeSync = (id: string) => del(`/api/sync/${id}`).then(staleStorage);
export const useLake = (id: string) => useGet<Datalake>(`/api/datalake/${id}`);
export const bindLake = (id: string, connector_id: string) => patch(`/api/datalake/${id}`, { connector_id }).then(staleStorage);
