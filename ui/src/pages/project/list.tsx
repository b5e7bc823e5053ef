// Projects.
import { Button, Skeleton, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { Dialog } from "../../kit/dialog";
import { plural } from "../../kit/format";
import { Head } from "../../kit/head";
import { IconFlask, IconPlus } from "../../kit/icons";
import { Cut, Empty, Fault, Time } from "../../kit/parts";
import { navigate } from "../../kit/url";
import { createProject, useProjects, useSignedIn } from "./data";

export default function Projects() {
  const { organization } = useSignedIn();
  const { data, error, refetch } = useProjects();
  const [making, setMaking] = useState(false);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  return (
    <div className="page">
      <Head crumbs={[{ text: "Projects" }]}>
        <Button leftSection={<IconPlus size={15} />} onClick={() => setMaking(true)}>
          New project
        </Button>
      </Head>
      <div className="body">
        {error ? (
          <Fault error={error} again={() => void refetch()} />
        ) : !data ? (
          <div className="cards">
            {[0, 1, 2].map((i) => (
              <Skeleton key={i} height={104} radius={8} />
            ))}
          </div>
        ) : !data.items.length ? (
          <Empty icon={IconFlask} title="No projects yet" action={<Button size="sm" onClick={() => setMaking(true)}>New project</Button>}>
            A project gathers the dataset versions that belong to a question and the experiments that try to answer it.
          </Empty>
        ) : (
          <div className="cards">
            {data.items.map((p) => (
              <Link key={p.id} href={`/projects/${p.id}`} className="card" style={{ padding: "14px 16px" }}>
                <Cut text={p.name} style={{ fontWeight: 600, fontSize: 14 }} />
                <div className="dim" style={{ height: 40, overflow: "hidden", margin: "2px 0 10px" }}>{p.description || "No description"}</div>
                <div className="dim" style={{ display: "flex", gap: 6, fontSize: 12 }}>
                  {p.nb_experiments !== undefined && <span>{plural(p.nb_experiments, "experiment")}</span>}
                  {p.nb_datasets !== undefined && <span>· {plural(p.nb_datasets, "dataset version")}</span>}
                  <span style={{ marginLeft: "auto" }}>
                    <Time at={p.created_at} />
                  </span>
                </div>
              </Link>
            ))}
          </div>
        )}
      </div>
      <Dialog open={making} onClose={() => setMaking(false)} title="New project" does="Create" ready={!!name.trim()} run={async () => navigate(`/projects/${(await createProject(organization.id, name.trim(), description.trim())).id}`)}>
        <TextInput label="Name" value={name} onChange={(e) => setName(e.target.value)} maxLength={100} data-autofocus />
        <Textarea label="Description" placeholder="Optional: what is to be found out" autosize minRows={2} value={description} onChange={(e) => setDescription(e.target.value)} />
      </Dialog>
    </div>
  );
}
