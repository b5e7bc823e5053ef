// How a program sends its images, or what it predicted itself, with a token made for it: shown once, within the command that needs it.
import { Button, Text } from "@mantine/core";
import { useState } from "react";
import { May } from "../../kit/may";
import { CopyBlock, Section } from "../../kit/parts";
import { toast } from "../../kit/toast";
import { addDeploymentToken, type Deployment } from "./data";

const sending = (d: Deployment, token: string) => `curl -H "Authorization: Bearer ${token}" \\\n  -F media=@image.jpg -F source=line-1 \\\n  ${location.origin}/api/deployment/${d.id}/predict`;

const telling = (d: Deployment, token: string) => `import base64, requests

requests.post(
    "${location.origin}/api/deployment/${d.id}/predictions",
    headers={"Authorization": "Bearer ${token}"},
    json={
        "filename": "image.jpg", "content_type": "image/jpeg", "width": 640, "height": 480,
        "image": base64.b64encode(open("image.jpg", "rb").read()).decode(),
        "latency": 0.021,  # seconds
        "raw_predictions": {
            "detection_classes": [0],
            "detection_scores": [0.93],${d.type === "CLASSIFICATION" ? "" : '\n            "detection_boxes": [[40, 60, 120, 180]],  # top, left, bottom, right'}
        },
    },
).raise_for_status()`;

export const commandOf = (d: Deployment, token = "$TOKEN") => (d.mode === "SERVING" ? sending : telling)(d, token);

const says = {
  SERVING: "What is predicted this way is kept, counted and can be reviewed.",
  OWN_SERVING: "Your server tells what its model said. GET /api/deployment/… with the same token names the champion (model_version_id): when it changes, a new model is to be loaded.",
  MONITORING: "Whatever makes the predictions tells them this way; they are kept, watched and can be reviewed.",
};

export function Command({ deployment: d }: { deployment: Deployment }) {
  const [token, setToken] = useState<string | null>(null);
  const make = () => addDeploymentToken(d.id, `command of ${new Date().toISOString().slice(0, 10)}`, null).then((t) => setToken(t.token)).catch(toast.failed);
  return (
    <Section title={d.mode === "SERVING" ? "By a command" : "Telling what was predicted"} end={!token && <May to="write"><Button size="compact-xs" variant="default" onClick={() => void make()}>Make a token for it</Button></May>}>
      <CopyBlock text={commandOf(d, token ?? "$TOKEN")} />
      <Text size="sm" c="dimmed" mt={8}>
        {token ? "The token is shown only now. It may send to this deployment and nothing else, and can be taken back in the settings." : says[d.mode]}
      </Text>
    </Section>
  );
}
