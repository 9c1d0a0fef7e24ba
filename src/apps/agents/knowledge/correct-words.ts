/** A mistyped word is replaced by the word of the knowledge that is one or two slips of the finger away. */

/** editDistance counts insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
export function editDistance(one: string, other: string): number {
  const width = other.length + 1;
  const cells = new Uint16Array((one.length + 1) * width);
  const at = (row: number, column: number): number => cells[row * width + column] ?? 0;
  for (let row = 0; row <= one.length; row += 1) cells[row * width] = row;
  for (let column = 0; column <= other.length; column += 1) cells[column] = column;
  for (let row = 1; row <= one.length; row += 1) {
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      let best = Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + (isSame ? 0 : 1));
      const isSwap = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (isSwap) best = Math.min(best, at(row - 2, column - 2) + 1);
      cells[row * width + column] = best;
    }
  }
  return at(one.length, other.length);
}

export interface Candidate {
  readonly word: string;
  readonly candidate: string;
}

/** isCorrectable is false for words so short that everything is near them. */
export function isCorrectable(word: string): boolean {
  return word.length >= 4;
}

/** correctWords maps each word that has a near enough candidate to the nearest: one slip up to seven letters, two beyond. */
export function correctWords(candidates: readonly Candidate[]): ReadonlyMap<string, string> {
  const best = new Map<string, { candidate: string; distance: number }>();
  for (const { word, candidate } of candidates) {
    if (!isCorrectable(word)) continue;
    const distance = editDistance(word, candidate);
    const known = best.get(word);
    if (distance <= (word.length > 7 ? 2 : 1) && distance < (known?.distance ?? Infinity))
      best.set(word, { candidate, distance });
  }
  return new Map([...best].map(([word, { candidate }]) => [word, candidate]));
}
