/** What somebody may have meant. */

/** More slips than these and it is another word. */
const MOST_SLIPS = 2;

/** @returns the word that takes the fewest slips (a letter too many, too few, wrong, or swapped), if they are few */
export function findNearest(text: string, words: readonly string[]): string | undefined {
  const [best] = words
    .map((word) => ({ word, slips: countSlips(text, word) }))
    .filter(({ word, slips }) => slips <= MOST_SLIPS && slips < word.length / 2)
    .sort((one, other) => one.slips - other.slips);
  return best?.word ?? (text.length > 1 ? words.find((word) => word.startsWith(text)) : undefined);
}

/** Damerau-Levenshtein distance, of strings that are adjacent in one edit each. */
function countSlips(text: string, word: string): number {
  const rows = [Array.from({ length: word.length + 1 }, (_, index) => index)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= text.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= word.length; j++) {
      const same = text[i - 1] === word[j - 1];
      const swapped = text[i - 1] === word[j - 2] && text[i - 2] === word[j - 1];
      row[j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same ? 0 : 1));
      if (swapped) row[j] = Math.min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return at(text.length, word.length);
}
