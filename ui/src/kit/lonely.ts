// Points of a line that the line itself does not show: those alone between two gaps, and a piece so short that it is a hair.
export type Points = readonly (readonly [number, number | null])[];

/** Of the whole length; a chart is some hundred pixels wide. */
const HAIR = 0.005;

/** Which points need a symbol to be seen. */
export function lonely(points: Points): boolean[] {
  const span = (points[points.length - 1]?.[0] ?? 0) - (points[0]?.[0] ?? 0);
  const seen = points.map(() => false);
  for (let from = 0; from < points.length; from++) {
    if (points[from]?.[1] == null) continue;
    let to = from;
    while (points[to + 1]?.[1] != null) to++;
    const long = (points[to]?.[0] ?? 0) - (points[from]?.[0] ?? 0);
    if (to === from || long < HAIR * span) seen.fill(true, from, to + 1);
    from = to;
  }
  return seen;
}
