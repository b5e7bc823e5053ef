// Colours of labels: told apart by colour-blind people (after Okabe and Ito, and Tol's muted set), drawn with a dark rim on any image.
const colours = ["#ff9f1c", "#4cc3ff", "#2ddb9b", "#ff6fae", "#f5e04a", "#b18cff", "#ff6b4a", "#8fd14f", "#6f9bff", "#e0a9ff", "#c9a063", "#58e0dc"];

export const colourAt = (i: number): string => colours[((i % colours.length) + colours.length) % colours.length] ?? "#4cc3ff";

/** Of a label that is not known. */
export const noColour = "#9aa3ad";

/** A number that a name always has (FNV-1a). */
function hashOf(name: string): number {
  let h = 0x811c9dc5;
  for (const c of name) h = Math.imul(h ^ (c.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return h;
}

/**
 * Colours of labels, by id: each name has its own, whatever other labels there are and however they are listed, so that a label looks the
 * same in every version. Only where two names want the same colour the later one in the alphabet takes the next that is free.
 */
export function labelColours(labels: readonly { id: string; name: string }[]): Map<string, string> {
  const sorted = [...labels].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const uses = colours.map(() => 0);
  const of = new Map<string, string>();
  for (const l of sorted) {
    const least = Math.min(...uses);
    let i = hashOf(l.name) % colours.length;
    while ((uses[i] ?? 0) > least) i = (i + 1) % colours.length;
    uses[i] = (uses[i] ?? 0) + 1;
    of.set(l.id, colourAt(i));
  }
  return of;
}

/** The same where labels have names only. */
export const nameColours = (names: readonly string[]): Map<string, string> => labelColours(names.map((name) => ({ id: name, name })));

/** Series of charts: darker than label colours on light ground, so that thin lines keep their contrast. */
const lines = {
  light: ["#0f6b74", "#d1600d", "#5b4bc4", "#b0307f", "#3f7d20", "#1a62c5", "#8a5a00", "#c02b2b"],
  dark: ["#4fb1b9", "#ff9d4d", "#a99cff", "#f07fc0", "#8fd14f", "#6ea8fe", "#e0b15a", "#ff7b78"],
};
export const lineColour = (i: number, dark: boolean): string => {
  const set = dark ? lines.dark : lines.light;
  return set[i % set.length] ?? "#888";
};

/** What a series is, where that has a colour of its own in every chart: what is shown, what that is compared with, what is wrong. */
const roles: Record<string, readonly [light: string, dark: string]> = {
  shown: ["#0f6b74", "#4fb1b9"],
  before: ["#9aa3ad", "#858f9a"],
  bad: ["#c02b2b", "#ff7b78"],
};
/** The colour of a role, or the colour itself. */
export const seriesColour = (colour: string, dark: boolean): string => roles[colour]?.[dark ? 1 : 0] ?? colour;
