// Which dataset version plays which part in a training, as their names say. What is measured on is never learned from by default.
import type { DatasetVersion } from "../../api/types";

export interface PartRow {
  name: string;
  version: string | null;
}

const words = {
  train: ["train", "training"],
  test: ["test", "testing", "holdout"],
  eval: ["eval", "evaluation", "val", "valid", "validation", "dev"],
} as const;
export type PartName = keyof typeof words;

/** The part that a name speaks of: "train-2" is train, "my_test" is test, "contest" is none. */
export function partOf(name: string): PartName | null {
  const said = name.toLowerCase().split(/[^a-z]+/);
  for (const part of ["test", "eval", "train"] as const) if (words[part].some((w) => said.includes(w))) return part;
  return null;
}

type Version = Pick<DatasetVersion, "id" | "version" | "origin_name" | "created_at">;

/** The part of a version by its own name, or else by its dataset's: "cells test / first". */
const partOfVersion = (v: Version) => partOf(v.version) ?? partOf(v.origin_name);

/** The newest of a part stands for it; the only one that speaks of no part is learned from. Nothing is guessed beyond that. */
export function partsOf(versions: readonly Version[]): PartRow[] {
  const newest = [...versions].sort((a, b) => (b.created_at ?? "").localeCompare(a.created_at ?? ""));
  const of = (part: PartName | null) => newest.filter((v) => partOfVersion(v) === part);
  const silent = of(null);
  const train = of("train")[0]?.id ?? (silent.length === 1 ? silent[0]?.id : undefined) ?? null;
  return [{ name: "train", version: train }, ...(["test", "eval"] as const).flatMap((name): PartRow[] => { const v = of(name)[0]; return v ? [{ name, version: v.id }] : []; })];
}

/** The rows that are learned from and those that are measured on, with a version each. */
export function splitOf(rows: readonly PartRow[]): { learned: PartRow[]; measured: PartRow[] } {
  const chosen = rows.filter((r) => r.version);
  const measured = chosen.filter((r) => partOf(r.name) === "test" || partOf(r.name) === "eval");
  return { learned: chosen.filter((r) => !measured.includes(r)), measured };
}

/** A pair of a learned and a measured part that are one and the same version. */
export function sameTwice(rows: readonly PartRow[]): [PartRow, PartRow] | null {
  const { learned, measured } = splitOf(rows);
  for (const l of learned) for (const m of measured) if (l.version === m.version) return [l, m];
  return null;
}
