// Where a file can be read in more than one way: the image is drawn as each of them says, and the person picks. One question at a time, so that few
// pictures stand beside each other; what is not asked yet is read as it usually is.
import { Button, FileButton, Loader } from "@mantine/core";
import { useEffect, useMemo, useState } from "react";
import { ApiError } from "../../api/client";
import { figure, plural } from "../../kit/format";
import { nameColours } from "../../kit/palette";
import { toast } from "../../kit/toast";
import { tellOfFile, tryModel, type ModelFile, type ModelVersion, type Trial } from "./data";
import { Picture } from "./try";

type Facts = Record<string, unknown>;
interface Question {
  text: string;
  keys: readonly string[];
  /** The usual one first. */
  ways: { text: string; facts: Facts }[];
}

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const plain = { mean: [0, 0, 0], std: [1, 1, 1] };
const words = (key: string, of: Record<string, string>) => Object.entries(of).map(([value, text]) => ({ text, facts: { [key]: value } }));

const questions: readonly Question[] = [
  {
    text: "What are the numbers of a pixel?",
    keys: ["range", "mean", "std"],
    ways: [
      { text: "0 to 1", facts: { range: [0, 1], ...plain } },
      { text: "0 to 255", facts: { range: [0, 255], ...plain } },
      { text: "those of ImageNet", facts: { range: [0, 1], ...imagenet } },
      { text: "−1 to 1", facts: { range: [-1, 1], ...plain } },
    ],
  },
  { text: "What are the four numbers of a box?", keys: ["boxes"], ways: words("boxes", { xyxy: "two corners", cxcywh: "centre and size", yxyx: "two corners, y first" }) },
  { text: "In what are they counted?", keys: ["unit"], ways: words("unit", { input: "pixels of the input", fraction: "parts of it", original: "pixels of the picture" }) },
  { text: "Are boxes offsets from their cells?", keys: ["head"], ways: words("head", { usual: "no", yolox_raw: "yes, as YOLOX’s" }) },
  {
    text: "In which order stand the columns?",
    keys: ["columns"],
    ways: [
      { text: "class, then score", facts: { columns: ["batch", "box", "class", "score"] } },
      { text: "score, then class", facts: { columns: ["batch", "box", "score", "class"] } },
    ],
  },
  { text: "How is the picture fitted in?", keys: ["resize"], ways: words("resize", { letterbox: "whole, in the middle", letterbox_top_left: "whole, at the top left", stretch: "stretched", cover: "its middle" }) },
  { text: "What is the order of the colours?", keys: ["colour"], ways: words("colour", { RGB: "red first", BGR: "blue first" }) },
  { text: "What are the scores?", keys: ["score"], ways: words("score", { probability: "chances", sigmoid: "each for itself", softmax: "all together" }) },
];

/** Only what must be told and is not. */
const open = (q: Question, missing: ReadonlySet<string>): Question => ({
  ...q,
  ways: q.ways.map((w) => ({ ...w, facts: Object.fromEntries(Object.entries(w.facts).filter(([k]) => missing.has(k))) })).filter((w, i, all) => all.findIndex((o) => JSON.stringify(o.facts) === JSON.stringify(w.facts)) === i),
});

function Way({ v, image, url, facts, text, pick, colours }: { v: ModelVersion; image: File; url: string; facts: Facts; text: string; pick: () => void; colours: Map<string, string> }) {
  const [trial, setTrial] = useState<Trial | null>(null);
  const [why, setWhy] = useState("");
  const said = JSON.stringify(facts);
  useEffect(() => {
    let here = true;
    setTrial(null);
    setWhy("");
    tryModel(v.id, image, JSON.parse(said) as Facts).then((t) => here && setTrial(t), (e: unknown) => here && setWhy(e instanceof ApiError ? e.message : String(e)));
    return () => {
      here = false;
    };
  }, [v.id, image, said]);
  const shapes = trial?.shapes.filter((s) => s.score >= 0.25) ?? [];
  return (
    <figure style={{ margin: 0 }} data-testid="way">
      <Picture url={url} trial={trial} shapes={shapes} colours={colours} />
      <figcaption style={{ display: "flex", gap: 10, alignItems: "center", marginTop: 8 }}>
        <span style={{ flex: 1, minWidth: 0 }}>
          <b style={{ fontWeight: 560 }}>{text}</b>
          <span className="dim" style={{ display: "block", fontSize: 12 }}>{why || (trial ? (shapes.length ? `${plural(shapes.length, "shape")}, the surest ${figure(Math.max(...shapes.map((s) => s.score)), 2)}` : "nothing over 0.25") : "The model is asked…")}</span>
        </span>
        {!trial && !why && <Loader size={14} aria-label="The model is asked" />}
        <Button size="compact-xs" variant="default" disabled={!trial} onClick={pick}>
          This one
        </Button>
      </figcaption>
    </figure>
  );
}

export function Readings({ v, file }: { v: ModelVersion; file: ModelFile }) {
  const [image, setImage] = useState<File | null>(null);
  const [picked, setPicked] = useState<Facts>({});
  const url = useMemo(() => (image ? URL.createObjectURL(image) : ""), [image]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  const missing = useMemo(() => new Set(file.missing.map((m) => m.key)), [file.missing]);
  const asked = questions.filter((q) => q.keys.some((k) => missing.has(k))).map((q) => open(q, missing));
  if (!asked.length || asked.flatMap((q) => q.keys).filter((k) => missing.has(k)).length < missing.size) return null; // a number nobody can list
  const usual: Facts = Object.assign({}, ...asked.map((q) => q.ways[0]?.facts ?? {}));
  const at = asked.findIndex((q) => !Object.keys(q.ways[0]?.facts ?? {}).every((k) => k in picked));
  const question = asked[at];
  const colours = nameColours(Object.values(v.labels ?? {}));
  const pick = (facts: Facts) => {
    const now = { ...picked, ...facts };
    setPicked(now);
    if (at === asked.length - 1) tellOfFile(v, { ...((v.parameters.onnx ?? {}) as Facts), ...now }).catch(toast.failed);
  };
  return (
    <div data-testid="readings" style={{ margin: "20px 0" }}>
      {!image || !question ? (
        <div style={{ display: "flex", gap: 12, alignItems: "center" }}>
          <FileButton accept="image/*" onChange={setImage}>
            {(p) => (
              <Button variant="default" size="xs" {...p}>
                Show me the ways to read it…
              </Button>
            )}
          </FileButton>
          <span className="dim">An image is drawn as each of them says, and you pick.</span>
        </div>
      ) : (
        <>
          <div style={{ display: "flex", gap: 12, alignItems: "baseline", marginBottom: 12 }}>
            <b style={{ fontWeight: 560 }}>{question.text}</b>
            <span className="dim">{at + 1} of {asked.length}</span>
            {at > 0 && <Button size="compact-xs" variant="subtle" onClick={() => setPicked({})}>Begin anew</Button>}
          </div>
          <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fill, minmax(260px, 1fr))", gap: 20 }}>
            {question.ways.map((w) => (
              <Way key={`${at} ${w.text}`} v={v} image={image} url={url} facts={{ ...usual, ...picked, ...w.facts }} text={w.text} pick={() => pick(w.facts)} colours={colours} />
            ))}
          </div>
        </>
      )}
    </div>
  );
}
