// Projects.
import { Button } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { plural } from "../../kit/format";
import { IconFlask, IconPlus } from "../../kit/icons";
import { May } from "../../kit/may";
import { NameDialog } from "../../kit/naming";
import { CardsWaiting, Page } from "../../kit/page";
import { Cut, Empty, Find, Time } from "../../kit/parts";
import { navigate, useUrl } from "../../kit/url";
import { createProject, useProjects, useSignedIn } from "./data";

export default function Projects() {
  const { organization } = useSignedIn();
  const projects = useProjects();
  const { data } = projects;
  const [find, setFind] = useUrl("find");
  const [making, setMaking] = useState(false);
  const shown = data?.items.filter((p) => p.name.toLowerCase().includes(find.toLowerCase())) ?? [];
  return (
    <>
      <Page
        crumbs={[{ text: "Projects" }]}
        actions={
          <Button leftSection={<IconPlus size={15} />} onClick={() => setMaking(true)}>
            New project
          </Button>
        }
        bar={
          (data?.items.length ?? 0) > 8 && (
            <div className="bar">
              <Find value={find} onChange={setFind} />
            </div>
          )
        }
        of={[projects]}
        waiting={<CardsWaiting n={3} height={104} />}
      >
        {() =>
          !data?.items.length ? (
            <Empty icon={IconFlask} title="No projects yet" action={<May to="write"><Button size="sm" onClick={() => setMaking(true)}>New project</Button></May>}>
              A project gathers the dataset versions that belong to a question and the experiments that try to answer it.
            </Empty>
          ) : (
            <div className="cards">
              {shown.map((p) => (
                <Link key={p.id} href={`/projects/${p.id}`} className="card" style={{ padding: "14px 16px" }}>
                  <Cut text={p.name} style={{ fontWeight: 600, fontSize: 14 }} />
                  <div style={{ height: 40, margin: "2px 0 10px" }}>
                    <span className="dim two-lines" title={p.description}>{p.description || "No description"}</span>
                  </div>
                  <div className="dim" style={{ display: "flex", gap: 6, fontSize: 12 }}>
                    {p.nb_experiments !== undefined && <span>{plural(p.nb_experiments, "experiment")}</span>}
                    {p.nb_datasets !== undefined && <span>· {plural(p.nb_datasets, "dataset version")}</span>}
                    <span style={{ marginLeft: "auto" }}>
                      <Time at={p.created_at} />
                    </span>
                  </div>
                </Link>
              ))}
              {!shown.length && <span className="dim">No project is called “{find}”.</span>}
            </div>
          )
        }
      </Page>
      <NameDialog open={making} onClose={() => setMaking(false)} title="New project" does="Create" hint="Optional: what is to be found out" run={async (name, description) => navigate(`/projects/${(await createProject(organization.id, name, description)).id}`)} />
    </>
  );
}
