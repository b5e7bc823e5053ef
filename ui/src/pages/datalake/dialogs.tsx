// What can be done with chosen images. Each says how many it will touch.
import { Select, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../kit/dialog";
import { plural } from "../../kit/format";
import { chosenCount, type Choice } from "../../kit/grid";
import { NameField, nameReady } from "../../kit/naming";
import { TagPick } from "../../kit/tag-pick";
import { toast } from "../../kit/toast";
import { navigate } from "../../kit/url";
import { addToVersion, createDataset, createVersion, deleteDatas, idsOf, tagAll, useDatasets, useDatasetVersions, useSignedIn, useTags } from "./data";

interface Props {
  open: boolean;
  onClose: () => void;
  choice: Choice;
  total: number;
  q: string;
}

const useChosen = ({ choice, q }: Props) => {
  const { datalake } = useSignedIn();
  return async () => (choice.all ? idsOf(datalake.id, q) : [...choice.ids]);
};

export function CreateDataset(props: Props) {
  const session = useSignedIn();
  const chosen = useChosen(props);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [version, setVersion] = useState("initial");
  const n = chosenCount(props.choice, props.total);
  const run = async () => {
    const v = await createDataset(session, name.trim(), description.trim(), version.trim(), await chosen());
    toast.done(`Dataset ${name.trim()} has ${plural(n, "image")}`);
    navigate(`/versions/${v.id}`);
  };
  return (
    <Dialog open={props.open} onClose={props.onClose} title={`Create a dataset with ${plural(n, "image")}`} does="Create dataset" run={run} ready={nameReady(name) && nameReady(version)}>
      <NameField value={name} onChange={setName} />
      <NameField label="First version" description="A version holds images with their annotations; the same image may be in many." value={version} onChange={setVersion} />
      <Textarea label="Description" placeholder="Optional" autosize minRows={2} value={description} onChange={(e) => setDescription(e.target.value)} />
    </Dialog>
  );
}

export function AddToVersion(props: Props) {
  const chosen = useChosen(props);
  const datasets = useDatasets();
  const [dataset, setDataset] = useState<string | null>(null);
  const versions = useDatasetVersions(dataset);
  const [version, setVersion] = useState<string | null>(null);
  const [name, setName] = useState("");
  const n = chosenCount(props.choice, props.total);
  const run = async () => {
    const ids = await chosen();
    let to = version;
    if (version === "new" && dataset) to = (await createVersion(dataset, name.trim(), ids)).id;
    else if (version) await addToVersion(version, ids);
    toast.done(`${plural(n, "image")} added`);
    navigate(`/versions/${to}`);
  };
  return (
    <Dialog open={props.open} onClose={props.onClose} title={`Add ${plural(n, "image")} to a version`} does="Add" run={run} ready={!!version && (version !== "new" || nameReady(name))}>
      <Select label="Dataset" placeholder="Choose one" searchable data={datasets.data?.items.map((d) => ({ value: d.id, label: d.name })) ?? []} value={dataset} onChange={(v) => { setDataset(v); setVersion(null); }} nothingFoundMessage="No such dataset" />
      <Select
        label="Version"
        placeholder="Choose one"
        disabled={!dataset}
        data={[...(versions.data?.items.filter((v) => !v.locked).map((v) => ({ value: v.id, label: v.version })) ?? []), { value: "new", label: "New version…" }]}
        value={version}
        onChange={setVersion}
      />
      {version === "new" && <NameField label="Name of the new version" value={name} onChange={setName} />}
    </Dialog>
  );
}

export function TagDialog({ detach, ...props }: Props & { detach: boolean }) {
  const { datalake } = useSignedIn();
  const chosen = useChosen(props);
  const tags = useTags(datalake.id);
  const [names, setNames] = useState<string[]>([]);
  const n = chosenCount(props.choice, props.total);
  const run = async () => {
    await tagAll(datalake.id, await chosen(), names, detach);
    toast.done(`${detach ? "Detached" : "Attached"} ${names.join(", ")} ${detach ? "from" : "to"} ${plural(n, "image")}`);
    setNames([]);
  };
  return (
    <Dialog open={props.open} onClose={props.onClose} title={`${detach ? "Detach tags from" : "Attach tags to"} ${plural(n, "image")}`} does={detach ? "Detach" : "Attach"} run={run} ready={names.length > 0}>
      <TagPick label="Tags" known={tags.data?.items.map((t) => t.name) ?? []} value={names} onChange={setNames} />
    </Dialog>
  );
}

export function DeleteDatas({ onDone, ...props }: Props & { onDone: () => void }) {
  const { datalake } = useSignedIn();
  const chosen = useChosen(props);
  const n = chosenCount(props.choice, props.total);
  const run = async () => {
    await deleteDatas(datalake.id, await chosen());
    toast.done(`${plural(n, "image")} deleted`);
    onDone();
  };
  return (
    <Dialog open={props.open} onClose={props.onClose} title={`Delete ${plural(n, "image")}`} does={`Delete ${plural(n, "image")}`} run={run} danger>
      <Text size="sm">
        {n === 1 ? "It disappears" : "They disappear"} from the datalake and from every dataset version, together with {n === 1 ? "its" : "their"} annotations there.
      </Text>
    </Dialog>
  );
}
