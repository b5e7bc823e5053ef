// Models: the registry of this organization, and the hub that comes with the program.
import { Button, Skeleton, Tabs, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { Dialog } from "../../kit/dialog";
import { plural, sentence, typeWord } from "../../kit/format";
import { Head } from "../../kit/head";
import { IconBox, IconPlus, IconSearch } from "../../kit/icons";
import { Cut, Empty, Fault, Time } from "../../kit/parts";
import { navigate, useUrl } from "../../kit/url";
import { createModel, useModels, useSignedIn } from "./data";

export default function Models() {
  const [tab, setTab] = useUrl("tab", "registry");
  const [find, setFind] = useUrl("find");
  const hub = tab === "hub";
  const { organization } = useSignedIn();
  const { data, error, refetch } = useModels(hub);
  const [making, setMaking] = useState(false);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const shown = data?.items.filter((m) => m.name.toLowerCase().includes(find.toLowerCase()));
  return (
    <div className="page">
      <Head crumbs={[{ text: "Models" }]}>
        {!hub && (
          <Button variant="default" leftSection={<IconPlus size={15} />} onClick={() => setMaking(true)}>
            Register a model
          </Button>
        )}
      </Head>
      <Tabs value={tab} onChange={setTab} className="tabs-line">
        <Tabs.List style={{ borderBottom: 0 }}>
          <Tabs.Tab value="registry">Registry</Tabs.Tab>
          <Tabs.Tab value="hub">Hub</Tabs.Tab>
        </Tabs.List>
      </Tabs>
      <div className="body">
        {(data?.items.length ?? 0) > 8 && <TextInput w={280} size="xs" mb={16} placeholder="Find by name" aria-label="Find by name" leftSection={<IconSearch size={14} />} value={find} onChange={(e) => setFind(e.target.value)} />}
        {error ? (
          <Fault error={error} again={() => void refetch()} />
        ) : !shown ? (
          <div className="cards">
            {[0, 1, 2].map((i) => (
              <Skeleton key={i} height={110} radius={8} />
            ))}
          </div>
        ) : !data?.items.length ? (
          <Empty icon={IconBox} title={hub ? "The hub is empty" : "No models yet"} action={!hub && <Button size="sm" onClick={() => navigate("/projects")}>Go to the projects</Button>}>
            {hub ? "This build of the program ships no models." : "Export a finished experiment as a model, or register one of your own with its ONNX file."}
          </Empty>
        ) : (
          <div className="cards">
            {shown.map((m) => (
              <Link key={m.id} href={`/models/${m.id}`} className="card" style={{ padding: "14px 16px" }}>
                <div style={{ display: "flex", gap: 10, alignItems: "center" }}>
                  <IconBox size={20} stroke={1.5} color="var(--accent)" />
                  <Cut text={m.name} style={{ fontWeight: 600, fontSize: 14, flex: 1 }} />
                </div>
                <div className="dim" style={{ height: 40, overflow: "hidden", margin: "4px 0 10px" }}>{m.description || (hub ? "From the hub" : "No description")}</div>
                <div className="dim" style={{ display: "flex", gap: 6, fontSize: 12 }}>
                  <span>{[m.type && typeWord(m.type), m.framework && (m.framework === "ONNX" ? "ONNX" : sentence(m.framework)), m.nb_versions !== undefined && plural(m.nb_versions, "version")].filter(Boolean).join(" · ")}</span>
                  {!hub && (
                    <span style={{ marginLeft: "auto" }}>
                      <Time at={m.created_at} />
                    </span>
                  )}
                </div>
              </Link>
            ))}
          </div>
        )}
      </div>
      <Dialog open={making} onClose={() => setMaking(false)} title="Register a model" does="Register" ready={!!name.trim()} run={async () => navigate(`/models/${(await createModel(organization.id, name.trim(), description.trim())).id}`)}>
        <TextInput label="Name" value={name} onChange={(e) => setName(e.target.value)} maxLength={100} data-autofocus />
        <Textarea label="Description" placeholder="Optional" autosize minRows={2} value={description} onChange={(e) => setDescription(e.target.value)} />
      </Dialog>
    </div>
  );
}
