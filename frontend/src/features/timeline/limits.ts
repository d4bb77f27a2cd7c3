/** The longest message, in characters as people count them: code points. */
const MAX_MESSAGE_CHARS = 4_000;

/** How many characters a text has over the limit. */
export function charsOver(content: string): number {
  if (content.length <= MAX_MESSAGE_CHARS) return 0;
  return Math.max(0, Array.from(content).length - MAX_MESSAGE_CHARS);
}
