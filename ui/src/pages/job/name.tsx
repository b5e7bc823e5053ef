// What a job does, and on what: "Train · first try", with the way there.
import { Link } from "wouter";
import type { Job } from "../../api/types";
import { sentence } from "../../kit/format";
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
};
const before = (kind: string) => (kind in places ? places[kind] : "/versions/");
export const placeOf = (j: Job) => (j.about_id && before(j.kind) ? `${before(j.kind)}${j.about_id}` : null);
export const wordsOf = (j: Job) => [sentence(j.kind), j.about].filter(Boolean).join(" · ");

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
