// Fails on a colour or a pixel outside of the tokens file.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../src', import.meta.url));
const TOKENS = 'shared/ui/tokens.css';

const RAW = [
  [/#[0-9a-f]{3,8}\b/i, 'a raw colour'],
  [/\b(rgb|rgba|hsl|hsla|hwb|lab|lch|oklab|oklch|color)\(/i, 'a raw colour'],
  [
    /:[^;{]*\b(white|black|red|green|blue|gr[ae]y|orange|purple|teal|crimson)\b(?!-)/i,
    'a named colour',
  ],
  [/(^|[^\w-])\d*\.?\d+px\b/i, 'a raw pixel'],
];

const tokens = new Set(
  [...readFileSync(join(source, TOKENS), 'utf8').matchAll(/^\s*(--[\w-]+):/gm)].map(
    ([, token]) => token,
  ),
);
const problems = [];

for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.css')) continue;
  const path = join(entry.parentPath ?? entry.path, entry.name);
  const name = relative(source, path);
  if (name === TOKENS) continue;
  const css = readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\//g, (comment) =>
    comment.replace(/[^\n]/g, ' '),
  );
  css.split('\n').forEach((line, index) => {
    for (const [pattern, what] of RAW) {
      if (pattern.test(line)) problems.push(`src/${name}:${index + 1}: ${what}: ${line.trim()}`);
    }
    for (const [, token] of line.matchAll(/var\((--[\w-]+)/g)) {
      if (!tokens.has(token)) problems.push(`src/${name}:${index + 1}: no such token: ${token}`);
    }
  });
}

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
