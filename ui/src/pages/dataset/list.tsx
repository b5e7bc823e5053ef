// Datasets: cards with pictures.
import { Button, Skeleton, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { Dialog } from "../../kit/dialog";
import { plural } from "../../kit/format";
import { Head } from "../../kit/head";
import { IconPhoto, IconPlus, IconSearch } from "../../kit/icons";
import { Cut, Empty, Fault, Time } from "../../kit/parts";
import { navigate, useUrl } from "../../kit/url";
import { createDataset, useDatasets, useSignedIn } from "./data";
import { Cover } from "./parts";

export default function Datasets() {
  const { data, error, refetch } = useDatasets();
  const [find, setFind] = useUrl("find");
  const [making, setMaking] = useState(false);
  const shown = data?.items.filter((d) => d.name.toLowerCase().includes(find.toLowerCase()));
  return (
    <div className="page">
      <Head crumbs={[{ text: "Datasets" }]}>
        <Button leftSection={<IconPlus size={15} />} onClick={() => setMaking(true)}>
          New dataset
        </Button>
      </Head>
      {!!data?.items.length && (
        <div className="bar">
          <TextInput w={280} size="xs" placeholder="Find by name" aria-label="Find by name" leftSection={<IconSearch size={14} />} value={find} onChange={(e) => setFind(e.target.value)} />
        </div>
      )}
      <div className="body" style={{ paddingTop: 8 }}>
        {error ? (
          <Fault error={error} again={() => void refetch()} />
        ) : !shown ? (
          <div className="cards">
            {[0, 1, 2, 3].map((i) => (
              <Skeleton key={i} height={216} radius={8} />
            ))}
          </div>
        ) : !data?.items.length ? (
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
        )}
      </div>
      <NewDataset open={making} onClose={() => setMaking(false)} />
    </div>
  );
}

function NewDataset({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { organization } = useSignedIn();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  return (
    <Dialog open={open} onClose={onClose} title="New dataset" does="Create" ready={!!name.trim()} run={async () => navigate(`/datasets/${(await createDataset(organization.id, name.trim(), description.trim())).id}`)}>
      <TextInput label="Name" value={name} onChange={(e) => setName(e.target.value)} maxLength={100} data-autofocus />
      <Textarea label="Description" placeholder="Optional" autosize minRows={2} value={description} onChange={(e) => setDescription(e.target.value)} />
    </Dialog>
  );
}
