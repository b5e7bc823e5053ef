// Colours of labels: told apart by colour-blind people (after Okabe and Ito, and Tol's muted set), drawn with a dark rim on any image.
const colours = ["#ff9f1c", "#4cc3ff", "#2ddb9b", "#ff6fae", "#f5e04a", "#b18cff", "#ff6b4a", "#8fd14f", "#6f9bff", "#e0a9ff", "#c9a063", "#58e0dc"];

export const colourAt = (i: number): string => colours[((i % colours.length) + colours.length) % colours.length] ?? "#4cc3ff";

/** Of a label that is not known. */
export const noColour = "#9aa3ad";

/** Colours of labels, by id: by the order of their names, so that the same labels look the same on every page, however it lists them. */
export function labelColours(labels: readonly { id: string; name: string }[]): Map<string, string> {
  const sorted = [...labels].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return new Map(sorted.map((l, i) => [l.id, colourAt(i)]));
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
