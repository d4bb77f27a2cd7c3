/** What the name of a channel says of it. */

/** Others, those of private rooms and of who is where, are opened by the server's own check. */
export const opensByToken = (channel: string) => /^(room|head):/.test(channel);

/** Its only publication is the state that stands: each subscribe brings it. */
export const keepsState = (channel: string) => /^(private)?head:/.test(channel);

/** Kept nowhere: there is nothing to recover. */
export const isEphemeral = (channel: string) => channel.startsWith('live:');

/** Where the sign of life comes. */
export const PULSE = 'pulse:all';

/** The viewer's own. */
export const isPersonal = (channel: string) => channel.startsWith('personal:');
