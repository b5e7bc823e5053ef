// Numbers with sensible digits and units, times people can read.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (n: number | null | undefined) => (n === null || n === undefined ? "–" : whole.format(n));

/** "1 image", "1,204 images" */
export const plural = (n: number, one: string, many = `${one}s`) => `${whole.format(n)} ${n === 1 ? one : many}`;

/** "10,000+" where more are not counted. */
export const countOf = (page: { count: number; count_exact?: boolean }) => whole.format(page.count) + (page.count_exact === false ? "+" : "");
/** "at least 10,000 images" until all are counted. */
export const countWords = (n: number, atLeast: boolean, one: string) => (atLeast ? "at least " : "") + plural(n, one);

/** Four significant digits at most, without trailing zeros. */
export function figure(x: number | null | undefined, digits = 4): string {
  if (x === null || x === undefined || Number.isNaN(x)) return "–";
  if (Number.isInteger(x)) return Math.abs(x) < 1e7 ? whole.format(x) : x.toExponential(2);
  if (x !== 0 && (Math.abs(x) < 1e-4 || Math.abs(x) >= 1e7)) return x.toExponential(2);
  return String(Number(x.toPrecision(digits)));
}

/** So many digits after the point, also zeros: for figures that stand below each other. */
export const fixed = (x: number | null | undefined, digits: number) => (x === null || x === undefined || Number.isNaN(x) ? "–" : x.toFixed(digits));

/** The name of a log without its folder: "eval/mAP50" is "mAP50". */
export const scoreName = (log: string) => log.slice(log.lastIndexOf("/") + 1);

export const percent = (x: number | null | undefined, digits = 0) =>
  x === null || x === undefined ? "–" : `${(100 * x).toFixed(digits)} %`;

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return "–";
  if (n < 1000) return `${n} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let x = n / 1000;
  let u = 0;
  while (x >= 999.5 && u < 3) {
    x /= 1000;
    u++;
  }
  return `${x < 10 ? x.toFixed(1) : x.toFixed(0)} ${units[u]}`;
}

/** Seconds → "42 s", "3 min 10 s", "2 h 5 min" */
export function duration(s: number): string {
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 10) return `${s.toFixed(1)} s`;
  const seconds = Math.round(s);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(s / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function milliseconds(s: number | null | undefined): string {
  if (s === null || s === undefined) return "–";
  const ms = s * 1000;
  return ms < 10 ? `${ms.toFixed(1)} ms` : ms < 10_000 ? `${Math.round(ms)} ms` : duration(s);
}

/** How long ago, or in how long. Two minutes ahead may be another machine's clock. */
export function ago(iso: string, now = Date.now()): string {
  const s = (now - Date.parse(iso)) / 1000;
  if (Number.isNaN(s)) return "";
  if (s < -120 && s > -3600) return `in ${Math.round(-s / 60)} min`;
  if (s <= -3600 && s > -2 * 86_400) return `in ${Math.round(-s / 3600)} h`;
  if (s <= -2 * 86_400 && s > -30 * 86_400) return `in ${Math.round(-s / 86_400)} days`;
  if (s <= -30 * 86_400) return new Date(iso).toLocaleDateString("en", { year: "numeric", month: "short", day: "numeric" });
  if (s < 45) return "just now";
  if (s < 3600) return `${Math.max(1, Math.round(s / 60))} min ago`;
  if (s < 86_400) return `${Math.round(s / 3600)} h ago`;
  if (s < 30 * 86_400) return plural(Math.round(s / 86_400), "day") + " ago";
  return new Date(iso).toLocaleDateString("en", { year: "numeric", month: "short", day: "numeric" });
}

export const exact = (iso: string) =>
  new Date(iso).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });

const words: Record<string, string> = {
  NOT_CONFIGURED: "No type yet",
  CLASSIFICATION: "Classification",
  OBJECT_DETECTION: "Object detection",
  SEGMENTATION: "Segmentation",
  POINT: "Points",
  KEYPOINT: "Keypoints",
  LINE: "Lines",
  MASK: "Masks",
  MULTI: "Several types",
};
/** What people call an inference type. */
export const typeWord = (type: string) => words[type] ?? type;

/** "not an image" → "Not an image" */
export const capital = (s: string) => s.charAt(0).toUpperCase() + s.slice(1);

/** "TO_REVIEW" → "To review" */
export const sentence = (word: string) => {
  const s = word.replace(/_/g, " ").toLowerCase();
  return s.charAt(0).toUpperCase() + s.slice(1);
};
