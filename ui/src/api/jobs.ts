// Jobs that a page has started and waits for.
import { get } from "./client";
import { subscribe } from "./events";
import type { Job } from "./types";

export const isOver = (j: Pick<Job, "status">) => j.status === "SUCCEEDED" || j.status === "FAILED" || j.status === "KILLED";

/** The job when it has ended; `moved` hears of it on its way. Asked now and then too, in case that the stream is broken. */
export function followJob(id: string, moved: (j: Partial<Job>) => void): Promise<Job> {
  return new Promise((resolve, reject) => {
    let busy = false;
    const look = async () => {
      if (busy) return;
      busy = true;
      try {
        const j = await get<Job>(`/api/v2/job/${id}`);
        if (isOver(j)) end(() => resolve(j));
        else moved(j);
      } catch (e) {
        end(() => reject(e as Error));
      } finally {
        busy = false;
      }
    };
    const leave = subscribe("job", (e) => {
      const j = e as Partial<Job>;
      if (j.id !== id) return;
      if (j.status && isOver(j as Job)) void look();
      else moved(j);
    });
    const timer = setInterval(() => void look(), 5000);
    const end = (f: () => void) => {
      clearInterval(timer);
      leave();
      f();
    };
    void look();
  });
}
