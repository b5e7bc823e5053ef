/** A point of a curve over time; a value of null ends the line. */
export interface Point {
  at: number;
  value: number | null;
  id?: string | undefined;
}

/**
 * Points in the order of time, with an end of the line wherever nothing came for much longer than usual: over eight times the median
 * distance and over a fortieth of the whole.
 */
export function broken(points: readonly Point[]): Point[] {
  const distances = points.slice(1).map((p, i) => p.at - (points[i]?.at ?? 0));
  const sorted = [...distances].sort((a, b) => a - b);
  const whole = (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0);
  const most = Math.max(8 * (sorted[Math.floor(sorted.length / 2)] ?? 0), whole / 40);
  return points.flatMap((p, i) => {
    const before = points[i - 1];
    return before && p.at - before.at > most ? [{ at: (before.at + p.at) / 2, value: null }, p] : [p];
  });
}
