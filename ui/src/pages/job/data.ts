import { post, type Page } from "../../api/client";
import { setCached, touch, useEvents, useGet, useThrottled } from "../../api/query";
import type { Job } from "../../api/types";

export type { Job };

const path = "/api/jobs";
const params = { limit: 200 };

/** The list, with the progress that events tell put in place. */
export function useJobs() {
  const again = useThrottled(() => touch(path), 1000);
  useEvents("job", (e) => {
    const one = e as Partial<Job>;
    let known = false;
    setCached<Page<Job>>(path, (old) => ({ ...old, items: old.items.map((j) => (j.id === one.id ? ((known = true), { ...j, ...one }) : j)) }), params);
    if (!known || one.status !== "RUNNING") again();
  });
  return useGet<Page<Job>>(path, params);
}
export const cancelJob = (id: string) => post(`/api/job/${id}/cancel`).then(() => touch(path));
