/** Every word that people read, in one place. */

import type { ErrorCode } from '../graphql/errors.ts';
import { counted, formatNumber } from './format.ts';

export const text = {
  /** Of the browser's tab. */
  title: (room: string | null, unread: number) =>
    `${unread > 0 ? `(${formatNumber(unread)}) ` : ''}${room ? `${room} · ` : ''}Plaza`,
  close: 'Close',
  cancel: 'Cancel',
  save: 'Save',
  tryAgain: 'Try again',
  back: 'Back to rooms',

  live: {
    live: 'Live',
    'catching-up': 'Catching up',
    'not-live': 'Not live (checking every few seconds)',
    offline: 'Offline',
  },
  liveShort: {
    live: 'Live',
    'catching-up': 'Catching up',
    'not-live': 'Not live',
    offline: 'Offline',
  },

  auth: {
    lead: 'Rooms for everybody, on your own server.',
    login: 'Log in',
    loginTitle: 'Welcome back',
    register: 'Create account',
    registerTitle: 'Create your account',
    username: 'Username',
    usernameHint: 'Letters, digits, dots, dashes and underscores.',
    password: 'Password',
    passwordHint: 'At least 8 characters.',
    displayName: 'Name',
    displayNameHint: 'What others see. You can leave it out.',
    noAccount: 'New here?',
    haveAccount: 'Already have an account?',
    wrong: 'The username or the password is not right.',
    incomplete: 'Type your username and your password.',
    taken: 'This username is taken. Choose another one.',
    logout: 'Log out',
    logoutTitle: 'Log out with unsent messages?',
    logoutHint: (count: number) =>
      `${counted(count, 'message has', 'messages have')} not been sent. Logging out discards ${count === 1 ? 'it' : 'them'}.`,
    logoutConfirm: 'Discard and log out',
    unreachable: 'Plaza does not answer',
    unreachableHint: 'The server may be restarting. You are still signed in here.',
  },

  rooms: {
    title: 'Rooms',
    find: 'Search or jump to',
    create: 'New room',
    discover: 'Find rooms',
    settings: 'Settings',
    empty: 'You have not joined a room yet.',
    emptyHint: 'Look around, or open one of your own.',
    failed: 'Your rooms could not be loaded.',
    failedHint: 'Rooms that you open by their address still work.',
    pick: 'Pick a room',
    pickHint: 'Or press Ctrl K to jump to one.',
    you: 'You',
    nothingYet: 'Nothing written yet',
    deleted: 'Message deleted',
    unread: (count: number) => `${formatNumber(count)} unread`,
    members: (count: number) => counted(count, 'member', 'members'),
    loading: 'Loading rooms',
    private: 'Private room',
  },

  create: {
    title: 'New room',
    name: 'Name',
    topic: 'Topic',
    topicHint: 'What it is about. You can leave it out.',
    submit: 'Create room',
  },

  discover: {
    title: 'Find rooms',
    search: 'Search rooms',
    placeholder: 'Name or topic',
    join: 'Join',
    joinRoom: (name: string) => `Join ${name}`,
    open: 'Open',
    joined: 'Joined',
    banned: 'You are banned from this room.',
    none: 'No room matches.',
    noneHint: 'Try fewer letters, or open a new room.',
    empty: 'There is no room yet.',
    emptyHint: 'Open the first one.',
    failed: 'The rooms could not be loaded.',
    failedHint: 'The rooms that you have joined still work.',
    more: 'Show more',
    loading: 'Loading rooms',
  },

  room: {
    members: 'Members',
    showMembers: 'Members',
    loading: 'Loading messages',
    messages: 'Messages',
    empty: 'Nothing has been written here yet.',
    emptyHint: 'Write the first message.',
    emptyGuest: 'Join to write the first message.',
    beginning: (name: string) => `This is the beginning of ${name}.`,
    failed: 'The messages could not be loaded.',
    failedHint: 'Your other rooms still work.',
    notFound: 'There is no such room.',
    notFoundHint: 'It may have been deleted, or it is not open to you.',
    olderFailed: 'Older messages could not be loaded.',
    newerFailed: 'Newer messages could not be loaded.',
    newLine: 'New',
    newMessages: (count: number) => counted(count, 'new message', 'new messages'),
    toNewest: 'To the newest',
    edited: 'edited',
    deleted: 'This message was deleted.',
    someone: 'Someone',
    edit: 'Edit',
    remove: 'Delete',
    removeTitle: 'Delete this message?',
    removeHint: 'It disappears for everybody.',
    sending: 'Sending',
    sendAgain: 'Send again',
    sendNow: 'Try now',
    discard: 'Discard',
    failure: {
      offline: 'Not sent yet: you are offline. It goes out when you are back.',
      unreachable: 'Not sent yet: the server does not answer. It is tried again.',
      busy: 'Not sent yet: that was a lot at once. It goes out in a moment.',
      refused: 'Not sent: the server refused this message.',
      forbidden: 'Not sent: you cannot write in this room.',
    },
    settings: 'Room settings',
    guest: 'You are reading as a guest.',
    guestRemoved: 'You were removed from this room. You can read on, and join again.',
    join: 'Join room',
    from: (author: string) => `New message from ${author}`,
  },

  composer: {
    label: (room: string) => `Message ${room}`,
    send: 'Send',
    hint: 'Enter sends, Shift Enter starts a new line',
    full: 'Too many of your messages wait to be sent. Send or discard some first.',
    tooLong: (over: number) => `${counted(over, 'character', 'characters')} too long`,
    editLabel: 'Edit message',
    editHint: 'Enter saves, Esc cancels',
  },

  switcher: {
    title: 'Jump to a room',
    placeholder: 'Where to?',
    none: 'None of your rooms matches.',
    discover: (query: string) => (query ? `Find rooms named “${query}”` : 'Find rooms'),
  },

  settings: {
    title: 'Settings',
    theme: 'Appearance',
    system: 'System',
    light: 'Light',
    dark: 'Dark',
    shortcuts: 'Keyboard shortcuts',
  },

  devices: {
    title: 'Where you are logged in',
    current: 'This device',
    unnamed: 'Unknown device',
    now: 'In use now',
    seen: (when: string) => `Last seen ${when}`,
    since: (when: string) => `since ${when}`,
    logoutOf: (device: string) => `Log out of ${device}`,
    failed: 'Your devices could not be loaded.',
    loading: 'Loading your devices',
  },

  shortcuts: {
    title: 'Keyboard shortcuts',
    jump: 'Jump to a room',
    sheet: 'Show this sheet',
    composer: 'Back to the composer',
    editLast: 'Edit your last message, in an empty composer',
    send: 'Send',
    newline: 'New line',
    walk: 'Walk through messages',
  },

  trouble: {
    failed: 'This page could not be shown.',
    failedHint: 'The server may have a newer version of it. What you sent is safe.',
    noPage: 'There is no such page.',
  },

  update: {
    ready: 'A newer Plaza is on the server.',
    reload: 'Reload',
  },
} as const;

/** What an error means to whoever reads it, and what to do. */
export function errorText(code: ErrorCode, message = ''): string {
  switch (code) {
    case 'NETWORK':
      return 'No answer from the server. Check your connection and try again.';
    case 'RATE_LIMITED':
      return 'That was too often. Wait a moment and try again.';
    case 'FORBIDDEN':
      return 'You are not allowed to do that.';
    case 'NOT_FOUND':
      return 'It is not there any more.';
    case 'BAD_USER_INPUT':
    case 'CONFLICT':
      return message || 'The server did not take this. Check what you typed.';
    case 'UNAUTHENTICATED':
      return 'Your session has ended. Log in again.';
    default:
      return 'Something on the server does not work right now. Try again in a moment.';
  }
}
