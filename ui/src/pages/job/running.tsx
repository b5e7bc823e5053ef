// How many jobs are under way, for the rail.
import type { Page } from "../../api/client";
import { touch, useEvents, useGet, useThrottled } from "../../api/query";
import type { Job } from "../../api/types";

export const isOpen = (j: Job) => j.status === "RUNNING" || j.status === "PENDING";

export function RunningJobs() {
  const { data } = useGet<Page<Job>>("/api/jobs", { limit: 50 });
  const again = useThrottled(() => touch("/api/jobs"), 1000);
  useEvents("job", again);
  const n = data?.items.filter(isOpen).length ?? 0;
  return n ? <span className="rail-count">{n}</span> : null;
}
