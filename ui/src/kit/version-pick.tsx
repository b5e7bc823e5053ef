// A version of a dataset, chosen in two steps.
import { Select } from "@mantine/core";
import { useEffect, useState } from "react";
import { useDatasets, useDatasetVersions } from "../api/calls";
import { plural } from "./format";

/** Dataset, then version. */
export function VersionPick({ value, onChange, name }: { value: { id: string; origin_id: string } | null; onChange: (id: string | null) => void; name: string }) {
  const datasets = useDatasets();
  const [dataset, setDataset] = useState<string | null>(value?.origin_id ?? null);
  const [version, setVersion] = useState<string | null>(value?.id ?? null);
  const versions = useDatasetVersions(dataset);
  useEffect(() => {
    setDataset(value?.origin_id ?? null);
    setVersion(value?.id ?? null);
  }, [value?.id, value?.origin_id]);
  return (
    <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: 8 }}>
      <Select aria-label={`Dataset of ${name}`} placeholder="Dataset" searchable data={datasets.data?.items.map((x) => ({ value: x.id, label: x.name })) ?? []} value={dataset} onChange={(v) => { setDataset(v); setVersion(null); onChange(null); }} />
      <Select aria-label={`Version of ${name}`} placeholder="Version" disabled={!dataset} data={versions.data?.items.map((x) => ({ value: x.id, label: `${x.version} · ${plural(x.nb_assets ?? 0, "image")}` })) ?? []} value={version} onChange={(v) => { setVersion(v); onChange(v); }} />
    </div>
  );
}
