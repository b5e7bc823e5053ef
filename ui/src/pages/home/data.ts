import type { Page } from "../../api/client";
import { thumbnail } from "../../api/calls";
import { touch, useEvents, useGet, useThrottled } from "../../api/query";
import { useSignedIn } from "../../api/session";
import type { Alert, Data, Dataset, Deployment, Experiment, Job, Model } from "../../api/types";

export { thumbnail };

export function useHome() {
  const { organization, datalake, user } = useSignedIn();
  const org = `/api/organization/${organization.id}`;
  const jobs = useGet<Page<Job>>("/api/jobs", { limit: 50 });
  const experiments = useGet<Page<Experiment>>(`${org}/experiments`, { limit: 12 });
  const deployments = useGet<Page<Deployment>>(`${org}/deployments`, { limit: 20 });
  const alerts = useGet<Page<Alert>>(`${org}/alerts`, { limit: 20, q: 'state = "FIRING"' });
  const again = useThrottled(() => touch(`${org}/experiments`, "/api/jobs"), 1500);
  const alarm = useThrottled(() => touch(`${org}/alerts`), 1500);
  useEvents("alert", alarm);
  useEvents("job", again);
  return {
    user,
    jobs,
    experiments,
    deployments,
    alerts,
    datas: useGet<Page<Data>>(`/api/datalake/${datalake.id}/datas`, { limit: 12, upload_statuses: ["DONE"] }),
    datasets: useGet<Page<Dataset>>(`${org}/datasets`, { limit: 6 }),
    models: useGet<Page<Model>>(`${org}/models`, { limit: 6 }),
  };
}
