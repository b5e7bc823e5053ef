// The deployment tried: what its champion says of an image from this computer, and the command that does the same for good.
import { TryModel } from "../model/try";
import { Command } from "./command";
import { useDeploymentLabels, type Deployment } from "./data";

export function Try({ deployment: d }: { deployment: Deployment }) {
  const labels = useDeploymentLabels(d.id);
  return (
    <div className="body" style={{ maxWidth: 1100 }}>
      {d.mode === "SERVING" && d.model_version && <TryModel version={d.model_version.id} labels={(labels.data?.items ?? []).map((l) => l.name)} least={d.min_threshold ?? 0.5} from="the deployment’s own" />}
      <Command deployment={d} />
    </div>
  );
}
