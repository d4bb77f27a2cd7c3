/**
 * Colours for code without knowing its language well: comments, strings and the
 * words that most languages share. What it takes for none of these stays plain.
 */

export interface Piece {
  kind: 'plain' | 'keyword' | 'string' | 'comment';
  text: string;
}

const KEYWORDS = new Set(
  (
    'abstract and as async await begin bool break case catch class const continue def default defer ' +
    'delete do elif else end enum except export extends extern false final finally fn for from func ' +
    'function go goto if impl implements import in int interface is lambda let loop match mod move mut ' +
    'new nil none not null of or package pass private protected public pub raise ref return select self ' +
    'static string struct super switch then this throw throws trait true try type typeof union unless ' +
    'unsafe until use using val var void when where while with yield ' +
    'SELECT FROM WHERE INSERT INTO UPDATE DELETE SET VALUES CREATE TABLE INDEX JOIN LEFT ON ORDER GROUP BY ' +
    'LIMIT AND OR NOT NULL AS IN'
  ).split(' '),
);

/** Languages in which `#` begins a comment; elsewhere it means other things. */
const HASH = /^(sh|bash|zsh|console|py|python|rb|ruby|ya?ml|toml|ini|make(file)?|docker(file)?)$/i;
const DASHES = /^(sql|lua|haskell|hs|elm)$/i;
/** A block larger than this is shown plain: nobody waits for colours. */
const MAX_CHARS = 8_000;

export function highlight(code: string, language: string): Piece[] {
  if (language === 'text' || code.length > MAX_CHARS) return [{ kind: 'plain', text: code }];
  const comment = HASH.test(language) ? '#' : DASHES.test(language) ? '--' : '//';
  const pattern = new RegExp(
    `(${comment}[^\\n]*|/\\*[^*]*(?:\\*(?!/)[^*]*)*\\*/)` +
      '|("(?:[^"\\\\\\n]|\\\\.)*"|\'(?:[^\'\\\\\\n]|\\\\.)*\'|`(?:[^`\\\\]|\\\\.)*`)' +
      '|([A-Za-z_][A-Za-z0-9_]*)',
    'g',
  );
  const pieces: Piece[] = [];
  let plain = 0;
  for (const found of code.matchAll(pattern)) {
    const [text, isComment, isString, word] = found;
    if (word !== undefined && !KEYWORDS.has(word)) continue;
    if (found.index > plain) pieces.push({ kind: 'plain', text: code.slice(plain, found.index) });
    const kind =
      isComment !== undefined ? 'comment' : isString !== undefined ? 'string' : 'keyword';
    pieces.push({ kind, text });
    plain = found.index + text.length;
  }
  if (plain < code.length) pieces.push({ kind: 'plain', text: code.slice(plain) });
  return pieces;
}
