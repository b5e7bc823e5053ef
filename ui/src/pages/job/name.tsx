// What a job does, and on what: "Train · first try", with the way there.
import { Link } from "wouter";
import type { Job } from "../../api/types";
import { count, sentence } from "../../kit/format";
import { Cut } from "../../kit/parts";

/** The page of what jobs of a kind work on; null: it has none, or is gone. */
const places: Record<string, string | null> = {
  train: "/experiments/",
  evaluate: "/experiments/",
  remove: null,
  attach_tag: null,
  detach_tag: null,
  remove_tag: null,
  remove_data: null,
  import_objects: null,
};
const before = (kind: string) => (kind in places ? places[kind] : "/versions/");
export const placeOf = (j: Job) => (j.about_id && before(j.kind) ? `${before(j.kind)}${j.about_id}` : null);
export const wordsOf = (j: Job) => [sentence(j.kind), j.about].filter(Boolean).join(" · ");

/** What an import from a bucket came to. */
const counted = [["added", "added"], ["changed", "changed"], ["gone", "gone"], ["back", "back again"], ["known", "known"], ["left_out", "no images"], ["failed", "failed"]] as const;
export function resultOf(j: Job): string {
  if (j.kind !== "import_objects" || !j.result) return "";
  const r = j.result as Record<string, unknown>;
  return counted.filter(([key]) => key === "added" || Number(r[key]) > 0).map(([key, word]) => `${count(Number(r[key] ?? 0))} ${word}`).join(", ");
}

export function JobName({ of: j }: { of: Job }) {
  const to = placeOf(j);
  return (
    <span style={{ display: "flex", gap: 8, alignItems: "baseline", minWidth: 0 }}>
      <b style={{ fontWeight: 540, whiteSpace: "nowrap" }}>{sentence(j.kind)}</b>
      {j.about && (
        <span style={{ minWidth: 0, overflow: "hidden" }}>
          {to ? (
            <Link href={to}>
              <Cut text={j.about} />
            </Link>
          ) : (
            <Cut text={j.about} />
          )}
        </span>
      )}
    </span>
  );
}
