// Datasets: cards with pictures.
import { Button } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { plural } from "../../kit/format";
import { IconPhoto, IconPlus } from "../../kit/icons";
import { NameDialog } from "../../kit/naming";
import { CardsWaiting, Page } from "../../kit/page";
import { Cut, Empty, Find, Time } from "../../kit/parts";
import { navigate, useUrl } from "../../kit/url";
import { createDataset, useDatasets, useSignedIn } from "./data";
import { Cover } from "./parts";

export default function Datasets() {
  const { organization } = useSignedIn();
  const datasets = useDatasets();
  const { data } = datasets;
  const [find, setFind] = useUrl("find");
  const [making, setMaking] = useState(false);
  const shown = data?.items.filter((d) => d.name.toLowerCase().includes(find.toLowerCase())) ?? [];
  return (
    <>
      <Page
        crumbs={[{ text: "Datasets" }]}
        actions={
          <Button leftSection={<IconPlus size={15} />} onClick={() => setMaking(true)}>
            New dataset
          </Button>
        }
        bar={
          !!data?.items.length && (
            <div className="bar">
              <Find value={find} onChange={setFind} />
            </div>
          )
        }
        of={[datasets]}
        waiting={<CardsWaiting />}
      >
        {() =>
          !data?.items.length ? (
            <Empty icon={IconPhoto} title="No datasets yet" action={<Button size="sm" onClick={() => navigate("/datalake")}>Choose images in the datalake</Button>}>
              A dataset groups versions of the same collection of images. Choose images in the datalake and create one from them, or start with an empty one.
            </Empty>
          ) : (
            <div className="cards">
              {shown.map((d) => (
                <Link key={d.id} href={`/datasets/${d.id}`} className="card">
                  <Cover ids={d.thumbnails ?? []} />
                  <div style={{ padding: "10px 14px 12px" }}>
                    <Cut text={d.name} style={{ fontWeight: 600, fontSize: 14 }} />
                    <div className="dim" style={{ display: "flex", gap: 6 }}>
                      {d.nb_versions !== undefined && <span>{plural(d.nb_versions, "version")}</span>}
                      {d.nb_versions !== undefined && d.created_at && "·"}
                      {d.created_at && <Time at={d.created_at} />}
                    </div>
                  </div>
                </Link>
              ))}
              {!shown.length && <span className="dim">No dataset is called “{find}”.</span>}
            </div>
          )
        }
      </Page>
      <NameDialog open={making} onClose={() => setMaking(false)} title="New dataset" does="Create" run={async (name, description) => navigate(`/datasets/${(await createDataset(organization.id, name, description)).id}`)} />
    </>
  );
}
