import { expect, test } from 'vitest';
import { plainText } from './plain.ts';

test.each([
  ['**bold** and *soft* and `code`', 'bold and soft and code'],
  ['see [the board](https://example.org/x) now', 'see the board now'],
  ['```rust\nlet a = 1;\n```', 'let a = 1;'],
  ['> quoted\n\n- item', 'quoted item'],
  ['snake_case_name and 2 * 3 * 4', 'snake_case_name and 2 * 3 * 4'],
  ['<b>raw</b>', '<b>raw</b>'],
])('%j reads %j', (markdown, words) => {
  expect(plainText(markdown)).toBe(words);
});

test('a long message is cut', () => {
  expect(plainText('word '.repeat(2_000)).length).toBeLessThanOrEqual(140);
});
