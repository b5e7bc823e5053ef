// Tokens of one deployment: for the programs that send it images, each with its own.
import { Button, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../kit/dialog";
import { IconPlus } from "../../kit/icons";
import { Fault, Time } from "../../kit/parts";
import { TokenList } from "../../kit/tokens";
import { addDeploymentToken, dropDeploymentToken, useDeploymentTokens, type Deployment } from "./data";
import { Part } from "./parts";

const lives = [
  { value: "0", label: "Never" },
  { value: "30", label: "In 30 days" },
  { value: "365", label: "In a year" },
];
const DAY_MS = 24 * 3600 * 1000;

function NewToken({ of: d, open, onClose, onMade }: { of: Deployment; open: boolean; onClose: () => void; onMade: (secret: string) => void }) {
  const [name, setName] = useState("");
  const [days, setDays] = useState("0");
  const run = async () => {
    const until = Number(days) ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : null;
    onMade((await addDeploymentToken(d.id, name.trim(), until)).token);
    setName("");
  };
  return (
    <Dialog open={open} onClose={onClose} title={`New token of ${d.name}`} does="Make" ready={!!name.trim()} run={run}>
      <TextInput label="Name" description="What it is for: a camera, a line, a script." value={name} onChange={(e) => setName(e.target.value)} maxLength={100} data-autofocus />
      <Select label="Ends" data={lives} value={days} onChange={(v) => setDays(v ?? "0")} allowDeselect={false} />
    </Dialog>
  );
}

export function Tokens({ d }: { d: Deployment }) {
  const tokens = useDeploymentTokens(d.id);
  const [making, setMaking] = useState(false);
  const [fresh, setFresh] = useState<string | null>(null);
  if (tokens.error) return <Fault error={tokens.error} again={() => void tokens.refetch()} />;
  return (
    <Part title="Tokens" says="A token of this deployment may send it images, and nothing else: whoever finds one on a camera reaches no data, no model and no other deployment.">
      <div>
        <Button variant="default" leftSection={<IconPlus size={15} />} onClick={() => setMaking(true)}>
          New token
        </Button>
      </div>
      <TokenList
        rows={tokens.data?.items}
        fresh={fresh}
        none="Each program that sends images should have one of its own, so that one can be taken back without stopping the others."
        more={[{ key: "until", title: "Ends", cell: (t) => (t.expires_at ? <Time at={t.expires_at} /> : <span className="dim">never</span>) }]}
        drop={(t) => dropDeploymentToken(d.id, t.id)}
      />
      <NewToken of={d} open={making} onClose={() => setMaking(false)} onMade={setFresh} />
    </Part>
  );
}
