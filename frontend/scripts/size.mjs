// Fails when the JavaScript that the first screen needs is above its bound.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const LIMIT = 150_000;
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const manifest = JSON.parse(readFileSync(`${dist}.vite/manifest.json`, 'utf8'));

/** All that a screen loads before it shows: its chunks with what they import. */
function closure(keys, seen = new Set()) {
  for (const key of keys) {
    if (seen.has(key)) continue;
    seen.add(key);
    closure(manifest[key].imports ?? [], seen);
  }
  return seen;
}

/** What index.html loads beside the chunks. */
const PUBLIC = ['theme.js'];

const size = (keys) =>
  [...[...closure(keys)].map((key) => manifest[key].file), ...PUBLIC]
    .filter((file) => file.endsWith('.js'))
    .reduce((sum, file) => sum + gzipSync(readFileSync(dist + file), { level: 9 }).length, 0);

const entry = 'index.html';
const shell = [entry, 'src/app/Shell.tsx'];
const screens = {
  'index.html alone': [entry],
  login: [entry, 'src/features/auth/LoginScreen.tsx'],
  'an invitation link': [entry, 'src/features/invitations/InviteScreen.tsx'],
  rooms: [...shell, 'src/app/NoRoom.tsx'],
  'a room': [...shell, 'src/features/timeline/RoomScreen.tsx'],
  discovery: [...shell, 'src/features/discovery/DiscoverScreen.tsx'],
};

let failed = false;
for (const [name, keys] of Object.entries(screens)) {
  const bytes = size(keys);
  failed ||= bytes > LIMIT;
  console.log(`${name}: ${(bytes / 1000).toFixed(1)} kB of JavaScript, gzip`);
}
if (failed) {
  console.error(`A first screen may load at most ${LIMIT / 1000} kB.`);
  process.exit(1);
}
