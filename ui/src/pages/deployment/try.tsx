// The deployment tried: what its champion says of an image from this computer, and the command that does the same for good.
import { Button, Text } from "@mantine/core";
import { useState } from "react";
import { May } from "../../kit/may";
import { CopyBlock, Section } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { TryModel } from "../model/try";
import { addDeploymentToken, useDeploymentLabels, type Deployment } from "./data";

/** A token is shown once, within the command that needs it. */
function Command({ deployment: d }: { deployment: Deployment }) {
  const [token, setToken] = useState<string | null>(null);
  const make = () => addDeploymentToken(d.id, `tried ${new Date().toISOString().slice(0, 10)}`, null).then((t) => setToken(t.token)).catch(toast.failed);
  return (
    <Section title="By a command" end={!token && <May to="write"><Button size="compact-xs" variant="default" onClick={() => void make()}>Make a token for it</Button></May>}>
      <CopyBlock text={`curl -H "Authorization: Bearer ${token ?? "$TOKEN"}" \\\n  -F media=@image.jpg -F source=line-1 \\\n  ${location.origin}/api/deployment/${d.id}/predict`} />
      <Text size="sm" c="dimmed" mt={8}>
        {token ? "The token is shown only now. It may send images here and nothing else, and can be taken back in the settings." : "What is predicted this way is kept, counted and can be reviewed."}
      </Text>
    </Section>
  );
}

export function Try({ deployment: d }: { deployment: Deployment }) {
  const labels = useDeploymentLabels(d.id);
  return (
    <div className="body" style={{ maxWidth: 1100 }}>
      {d.model_version && <TryModel version={d.model_version.id} labels={(labels.data?.items ?? []).map((l) => l.name)} least={d.min_threshold ?? 0.5} from="the deployment’s own" />}
      <Command deployment={d} />
    </div>
  );
}
