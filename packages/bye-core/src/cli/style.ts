/** Text for a terminal: colours, width, and nothing in it that a terminal would obey. */

export interface StyleRequest {
  readonly isTerminal: boolean;
  readonly noColor: string | undefined;
  readonly forceColor: string | undefined;
  readonly term: string | undefined;
}

/** SGR parameters (ECMA-48, 8.3.117): on, off. Kept to what every theme shows. */
const CODES = { good: [32, 39], bad: [31, 39], warn: [33, 39], faint: [2, 22], strong: [1, 22] } as const;

export type Style = Readonly<Record<keyof typeof CODES, (text: string) => string>>;

/** Only on a terminal; FORCE_COLOR wins over NO_COLOR and TERM=dumb, as in Node itself. */
export function wantsColour({ isTerminal, noColor, forceColor, term }: StyleRequest): boolean {
  if (forceColor !== undefined) return forceColor !== '0' && forceColor !== 'false';
  return isTerminal && !noColor && term !== 'dumb';
}

export function createStyle(hasColour: boolean): Style {
  const paint = ([on, off]: readonly [number, number]) =>
    hasColour ? (text: string) => `\x1b[${on}m${text}\x1b[${off}m` : (text: string) => text;
  return Object.fromEntries(Object.entries(CODES).map(([name, code]) => [name, paint(code)])) as unknown as Style;
}

/** What a service says may hold what its clients sent: line breaks and tabs stay, what a terminal would obey is shown. */
export function printable(text: string): string {
  return text.replace(
    /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** Every text in it. */
export function allPrintable<Value>(value: Value): Value {
  if (typeof value === 'string') return printable(value) as Value;
  if (Array.isArray(value)) return value.map(allPrintable) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, allPrintable(field)])) as Value;
}

/** The beginning of a line that fits, with an ellipsis if something was cut. Without colours: they are put on later. */
export function fit(text: string, columns: number): string {
  const characters = [...text];
  if (characters.reduce((sum, character) => sum + widthOf(character), 0) <= columns) return text;
  let kept = '';
  let room = columns - 1;
  for (const character of characters) {
    room -= widthOf(character);
    if (room < 0) break;
    kept += character;
  }
  return columns > 0 ? `${kept}…` : '';
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\uff01-\uff60\u3000-\u303e]/u;

function widthOf(character: string): number {
  if (/\p{Mark}|\u200d/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
