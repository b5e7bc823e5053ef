// Models: the registry of this organization, and the hub that comes with the program.
import { Button } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { plural, sentence, typeWord } from "../../kit/format";
import { IconBox, IconPlus } from "../../kit/icons";
import { NameDialog } from "../../kit/naming";
import { CardsWaiting, Page } from "../../kit/page";
import { Cut, Empty, Find, Time } from "../../kit/parts";
import { navigate, useUrl } from "../../kit/url";
import { createModel, useModels, useSignedIn } from "./data";

function Cards({ of, hub }: { of: ReturnType<typeof useModels>; hub: boolean }) {
  const [find, setFind] = useUrl("find");
  const items = of.data?.items ?? [];
  const shown = items.filter((m) => m.name.toLowerCase().includes(find.toLowerCase()));
  if (!items.length)
    return (
      <Empty icon={IconBox} title={hub ? "The hub is empty" : "No models yet"} action={!hub && <Button size="sm" onClick={() => navigate("/projects")}>Go to the projects</Button>}>
        {hub ? "This build of the program ships no models." : "Export a finished experiment as a model, or register one of your own with its ONNX file."}
      </Empty>
    );
  return (
    <>
      {items.length > 8 && (
        <div style={{ marginBottom: 16 }}>
          <Find value={find} onChange={setFind} />
        </div>
      )}
      <div className="cards">
        {shown.map((m) => (
          <Link key={m.id} href={`/models/${m.id}`} className="card" style={{ padding: "14px 16px" }}>
            <div style={{ display: "flex", gap: 10, alignItems: "center" }}>
              <IconBox size={20} stroke={1.5} color="var(--accent)" />
              <Cut text={m.name} style={{ fontWeight: 600, fontSize: 14, flex: 1 }} />
            </div>
            <div style={{ height: 40, margin: "4px 0 10px" }}>
              <span className="dim two-lines" title={m.description}>{m.description || (hub ? "From the hub" : "No description")}</span>
            </div>
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
        {!shown.length && <span className="dim">No model is called “{find}”.</span>}
      </div>
    </>
  );
}

export default function Models() {
  const [tab] = useUrl("tab", "registry");
  const hub = tab === "hub";
  const { organization } = useSignedIn();
  const models = useModels(hub);
  const [making, setMaking] = useState(false);
  const cards = () => <Cards of={models} hub={hub} />;
  return (
    <>
      <Page
        crumbs={[{ text: "Models" }]}
        actions={
          !hub && (
            <Button variant="default" leftSection={<IconPlus size={15} />} onClick={() => setMaking(true)}>
              Register a model
            </Button>
          )
        }
        of={[models]}
        waiting={<CardsWaiting n={3} height={110} />}
        tabs={[
          { key: "registry", text: "Registry", show: cards },
          { key: "hub", text: "Hub", show: cards },
        ]}
      />
      <NameDialog open={making} onClose={() => setMaking(false)} title="Register a model" does="Register" run={async (name, description) => navigate(`/models/${(await createModel(organization.id, name, description)).id}`)} />
    </>
  );
}
