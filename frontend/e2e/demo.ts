/** People who talk about something, for pictures and for axe. */

import { type Account, Api } from './api.ts';
import { baseUrl } from './env.ts';

export interface Demo {
  viewer: Account;
  roomId: string;
}

export interface PrivateDemo {
  roomId: string;
  name: string;
  /** Of the room, whose members panel has every kind of row. */
  owner: Account;
  member: Account;
  muted: Account;
  /** Has an invitation by name. */
  invited: Account;
  /** Of a link that can be used often. */
  token: string;
}

let made: Promise<Demo> | null = null;

/** Made once a run. */
export function demo(): Promise<Demo> {
  made ??= make();
  return made;
}

async function make(): Promise<Demo> {
  const api = new Api(baseUrl());
  const noor = await api.register('Noor Karimi');
  const mei = await api.register('Mei Lin');
  const tomas = await api.register('Tomás Oliveira');
  const ada = await api.register('Ada Boateng');
  const lena = await api.register('Lena Fischer');
  const everybody = [noor, mei, tomas, ada, lena];

  const room = async (name: string, topic: string, talk: [Account, string][]) => {
    const id = await api.createRoom(lena, name, topic);
    for (const person of everybody) if (person !== lena) await api.join(person, id);
    for (const [author, content] of talk) await api.send(author, id, content);
    return id;
  };

  await room('Music while working', 'No lyrics before noon', [
    [lena, 'This set is two hours long'],
  ]);
  await room('Welcome', 'Say hello, ask anything', [
    [ada, 'Hello from Accra'],
    [noor, 'Good to have you here'],
  ]);
  await room('Design critique', 'Bring drafts, leave with opinions', [
    [mei, 'I moved the switch to the left, see the second draft'],
    [lena, 'The empty state should say *one* thing'],
  ]);
  await room('rust-lang', 'Releases, patterns, the odd borrow checker story', [
    [tomas, 'Who has moved to edition 2024?'],
    [ada, 'We did, one afternoon'],
    [tomas, '`let` chains are stable now'],
  ]);
  const roomId = await room(
    'Launch day',
    'Version 4 goes out region by region. Ask before you touch a flag.',
    [
      [lena, 'Good morning. The board is green, we begin at ten.'],
      [mei, 'Canary has been on 1% since yesterday evening, error budget untouched.'],
      [
        mei,
        'Frankfurt and Osaka are done. The change that mattered is one line, the lease is now renewed *before* the batch:\n\n```rust\nlet lease = leases.renew(partition, ttl).await?;\npublisher.send(batch.fold_by("room"), &lease).await?;  // ack only after this\n```',
      ],
      [mei, 'Next is São Paulo, in ten minutes.'],
      [
        tomas,
        'Ready here. Dashboards are at [status.plaza.example/sp](https://status.plaza.example/sp), and `p99` is flat at 38 ms.',
      ],
      [noor, 'Backfill is still running, 80% through.'],
      [ada, 'Can you say when it is done? I would rather not start São Paulo before.'],
      [noor, 'Finished just now: 10.4 million rows, no retries.'],
      [noor, 'Posting the numbers in the release notes.'],
      [tomas, 'Then São Paulo goes.'],
    ],
  );
  await room('On call', 'Who looks at what, tonight', [
    [ada, 'Shard 7 was slow for a minute, it is back'],
    [ada, 'Noor, can you look at its disk when you have time?'],
  ]);
  for (const [name, topic] of [
    ['Gardening', 'Balconies count'],
    ['Board games', 'Thursdays, after six'],
    ['Postgres', 'Plans, locks and vacuum'],
    ['Photography', 'One picture a day'],
  ] as const) {
    const id = await api.createRoom(lena, name, topic);
    await api.send(lena, id, 'Hello everybody');
  }
  return { viewer: noor, roomId };
}

/** A private room with somebody of every role, one who is muted, one who is banned, and open invitations. */
export async function privateDemo(): Promise<PrivateDemo> {
  const api = new Api(baseUrl());
  const owner = await api.register('Noor Karimi');
  const admin = await api.register('Mei Lin');
  const moderator = await api.register('Tomás Oliveira');
  const member = await api.register('Ada Boateng');
  const muted = await api.register('Lena Fischer');
  const banned = await api.register('Bo Lindqvist');
  const invited = await api.register('Samir Haddad');
  const name = 'Incident review';
  const topic = 'What happened, without blame. Notes go to the board.';
  const roomId = await api.createRoom(owner, name, topic, 'PRIVATE');
  for (const person of [admin, moderator, member, muted, banned]) {
    await api.bring(owner, person, roomId);
  }
  await api.setRole(owner, roomId, admin, 'ADMIN');
  await api.setRole(owner, roomId, moderator, 'MODERATOR');
  await api.mute(owner, roomId, muted, 3_600);
  await api.ban(owner, roomId, banned, 'Posted the customer list after being asked to stop');
  await api.send(admin, roomId, 'The timeline is on the board. We start at ten.');
  await api.send(member, roomId, 'I have the graphs from shard 7.');
  await api.invite(owner, { roomId, username: invited.username });
  const link = await api.invite(owner, { roomId, maxUses: 25, expiresIn: 86_400 });
  return { roomId, name, owner, member, muted, invited, token: link.token ?? '' };
}
