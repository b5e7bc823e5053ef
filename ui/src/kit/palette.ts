// Colours of labels: told apart by colour-blind people (after Okabe and Ito, and Tol's muted set), drawn with a dark rim on any image.
const colours = ["#ff9f1c", "#4cc3ff", "#2ddb9b", "#ff6fae", "#f5e04a", "#b18cff", "#ff6b4a", "#8fd14f", "#6f9bff", "#e0a9ff", "#c9a063", "#58e0dc"];

export const colourAt = (i: number): string => colours[((i % colours.length) + colours.length) % colours.length] ?? "#4cc3ff";

/** Colours by position in the list of labels. */
export function colourMap(names: readonly string[]): Map<string, string> {
  return new Map(names.map((n, i) => [n, colourAt(i)]));
}

/** Series of charts: darker than label colours on light ground, so that thin lines keep their contrast. */
const lines = {
  light: ["#0f6b74", "#d1600d", "#5b4bc4", "#b0307f", "#3f7d20", "#1a62c5", "#8a5a00", "#c02b2b"],
  dark: ["#4fb1b9", "#ff9d4d", "#a99cff", "#f07fc0", "#8fd14f", "#6ea8fe", "#e0b15a", "#ff7b78"],
};
export const lineColour = (i: number, dark: boolean): string => {
  const set = dark ? lines.dark : lines.light;
  return set[i % set.length] ?? "#888";
};
