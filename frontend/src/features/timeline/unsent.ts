/**
 * Unsent messages in IndexedDB, by user and in the order of Enter: they outlive
 * reloads and closed tabs, and every tab sees the same. What cannot be stored
 * (no database, no space) lives as long as the tab.
 */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { OwnSend, SendChange } from './model/sends.ts';

interface Kept extends OwnSend {
  user: string;
}

interface Schema extends DBSchema {
  unsent: {
    /** Grows with each message, whichever tab adds it: the order. */
    key: number;
    value: Kept;
    indexes: { user: string; send: [string, string] };
  };
}

const NAME = 'plaza-unsent';
/** A database that does not open by then counts as absent. */
const OPEN_LIMIT_MS = 3_000;
/** What a session left behind that ended by itself, and whose user never came back. */
const ABANDONED_MS = 30 * 24 * 60 * 60_000;

let database: Promise<IDBPDatabase<Schema>> | null = null;
/** What could not be stored. */
let loose: readonly Kept[] = [];

export async function listUnsent(user: string): Promise<OwnSend[]> {
  const kept = await use((db) => db.getAllFromIndex('unsent', 'user', user), []);
  return [...kept, ...loose.filter((own) => own.user === user)].map(
    ({ user: _, ...own }): OwnSend => own,
  );
}

export async function addUnsent(user: string, own: OwnSend): Promise<void> {
  const stored = await use(async (db) => {
    await db.add('unsent', { ...own, user });
    return true;
  }, false);
  if (!stored) loose = [...loose, { ...own, user }];
}

export async function changeUnsent(user: string, id: string, change: SendChange): Promise<void> {
  loose = loose.map((own) => (isIt(own, user, id) ? { ...own, ...change } : own));
  await use(async (db) => {
    const { store, done } = db.transaction('unsent', 'readwrite');
    const cursor = await store.index('send').openCursor([user, id]);
    if (cursor) await cursor.update({ ...cursor.value, ...change });
    await done;
  }, undefined);
}

export async function removeUnsent(user: string, id: string): Promise<void> {
  loose = loose.filter((own) => !isIt(own, user, id));
  await use(async (db) => {
    const { store, done } = db.transaction('unsent', 'readwrite');
    const cursor = await store.index('send').openCursor([user, id]);
    await cursor?.delete();
    await done;
  }, undefined);
}

/** Removes all that is the user's, and what others have left long ago. */
export async function clearUnsent(user: string): Promise<void> {
  await removeWhere((own) => own.user === user);
}

/** Removes what others have left long ago in this browser. */
export async function clearAbandoned(user: string): Promise<void> {
  const limit = Date.now() - ABANDONED_MS;
  await removeWhere((own) => own.user !== user && !(Date.parse(own.createdAt) > limit));
}

async function removeWhere(goes: (own: Kept) => boolean): Promise<void> {
  loose = loose.filter((own) => !goes(own));
  await use(async (db) => {
    const { store, done } = db.transaction('unsent', 'readwrite');
    for (let cursor = await store.openCursor(); cursor; cursor = await cursor.continue()) {
      if (goes(cursor.value)) await cursor.delete();
    }
    await done;
  }, undefined);
}

function isIt(own: Kept, user: string, id: string): boolean {
  return own.user === user && own.clientMessageId === id;
}

async function use<Result>(
  work: (db: IDBPDatabase<Schema>) => Promise<Result>,
  otherwise: Result,
): Promise<Result> {
  try {
    database ??= open();
    return await work(await database);
  } catch {
    return otherwise;
  }
}

function open(): Promise<IDBPDatabase<Schema>> {
  // After this connection is gone, the next use opens another.
  const forget = () => {
    database = null;
  };
  const opening = openDB<Schema>(NAME, 1, {
    upgrade: (db) => {
      const store = db.createObjectStore('unsent', { autoIncrement: true });
      store.createIndex('user', 'user');
      store.createIndex('send', ['user', 'clientMessageId'], { unique: true });
    },
    // A newer release in another tab wants to change the database.
    blocking: () => {
      forget();
      void opening.then((db) => db.close());
    },
    terminated: forget,
  });
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('the database does not open')), OPEN_LIMIT_MS);
  });
  return Promise.race([opening, late]);
}
