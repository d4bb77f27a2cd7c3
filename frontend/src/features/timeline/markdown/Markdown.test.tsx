import fc from 'fast-check';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import { highlight } from './highlight.ts';
import { Markdown } from './Markdown.tsx';

const html = (source: string) =>
  renderToStaticMarkup(<Markdown source={source} />).replace(/^<div[^>]*>|<\/div>$/g, '');

test.each([
  [
    '*soft* and **strong** and ~~gone~~',
    '<p><em>soft</em> and <strong>strong</strong> and <del>gone</del></p>',
  ],
  ['one\ntwo', '<p>one<br/>two</p>'],
  ['# Title', '<p><strong>Title</strong></p>'],
  ['- a\n- b', '<ul><li>a</li><li>b</li></ul>'],
  ['3. a\n4. b', '<ol start="3"><li>a</li><li>b</li></ol>'],
  ['a & b &amp; c < d', '<p>a &amp; b &amp; c &lt; d</p>'],
  ['\\*not soft\\*', '<p>*not soft*</p>'],
])('%j is shown as %s', (source, expected) => {
  expect(html(source)).toBe(expected);
});

test.each([
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<a href="javascript:alert(1)">x</a>',
  'text <b onclick="alert(1)">bold</b>',
  '<style>*{display:none}</style>',
])('HTML stays the text that it is: %s', (source) => {
  const shown = html(source);
  expect(shown).not.toMatch(/<(script|img|a|b|style)/);
  expect(shown).toContain('&lt;');
});

test.each([
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](data:text/html,hello)',
  '[x](vbscript:x)',
  '[x](/relative)',
  '[x](//example.org)',
  '![x](javascript:alert(1))',
])('an address that no message may open is no link: %s', (source) => {
  expect(html(source)).not.toContain('<a');
});

test('links open elsewhere, and tell nobody where from', () => {
  expect(html('[x](https://example.org/a?b=1&c=2)')).toBe(
    '<p><a href="https://example.org/a?b=1&amp;c=2" target="_blank" rel="noopener noreferrer nofollow ugc">x</a></p>',
  );
  expect(html('![picture](https://example.org/p.png)')).not.toContain('<img');
});

test('no text breaks it or brings an element of its own', () => {
  const allowed = /<(?!\/?(p|em|strong|del|br|ul|ol|li|code|pre|span|blockquote|hr|a)\b)/;
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '<',
      '>',
      '[',
      '](',
      ')',
      '`',
      '```',
      '*',
      '_',
      '\n',
      '> ',
      '- ',
      '<script>',
      '|',
      '&#',
    ),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const shown = renderToStaticMarkup(<Markdown source={pieces.join('')} />);
      expect(shown.replace(/^<div[^>]*>|<\/div>$/g, '')).not.toMatch(allowed);
    }),
    { numRuns: 500 },
  );
});

test('highlighting changes no character of the code', () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom('rust', 'python', 'sql', ''), (code, language) => {
      expect(
        highlight(code, language)
          .map(({ text }) => text)
          .join(''),
      ).toBe(code);
    }),
  );
  expect(highlight('let a = "b"; // c', 'rust').map(({ kind }) => kind)).toEqual([
    'keyword',
    'plain',
    'string',
    'plain',
    'comment',
  ]);
});
