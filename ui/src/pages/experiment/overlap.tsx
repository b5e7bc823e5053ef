// Says in words when what is measured on is also learned from.
import { useQueries } from "@tanstack/react-query";
import type { CommonImages } from "../../api/answers";
import { get } from "../../api/client";
import type { DatasetVersion } from "../../api/types";
import { plural } from "../../kit/format";
import { Caution } from "../../kit/parts";
import { splitOf, type PartRow } from "./parts";

const commonQuery = (a: string, b: string) => ({
  queryKey: ["GET", `/api/dataset/version/${a}/common`, { with: b }],
  queryFn: () => get<CommonImages>(`/api/dataset/version/${a}/common`, { with: b }),
});

export function Overlaps({ rows, choices }: { rows: readonly PartRow[]; choices: readonly DatasetVersion[] }) {
  const { learned, measured } = splitOf(rows);
  const pairs = measured.flatMap((m) => learned.map((l) => ({ m, l })));
  const answers = useQueries({ queries: pairs.map(({ m, l }) => commonQuery(m.version ?? "", l.version ?? "")) });
  const nameOf = (r: PartRow) => {
    const v = choices.find((c) => c.id === r.version);
    return v ? `${v.origin_name} / ${v.version}` : r.name;
  };
  const said = pairs.flatMap(({ m, l }, i) => {
    const n = answers[i]?.data;
    if (m.version === l.version) return [`${nameOf(m)} is both ${l.name} and ${m.name}: the network is measured on the images it has learned, and any score looks good.`];
    return n?.count ? [`${n.count === n.of ? `All ${plural(n.of, "image")}` : `${plural(n.count, "image")} of ${n.of}`} of ${m.name} (${nameOf(m)}) ${n.count === 1 ? "is" : "are"} also in ${l.name}: scores on ${m.name} will look better than they are.`] : [];
  });
  if (!said.length) return null;
  return (
    <Caution>
      {said.map((s) => (
        <div key={s}>{s}</div>
      ))}
    </Caution>
  );
}
