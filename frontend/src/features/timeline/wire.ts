/** From the shapes of GraphQL and of pushes to those of the model. */

import type { ChangesQuery, MessageFieldsFragment, PageFieldsFragment } from '../../gql/graphql.ts';
import type { ChangesAnswer, MessageState, Page } from './model/timeline.ts';

export interface Person {
  id: string;
  username: string;
  displayName: string;
}

export function messageFrom(roomId: string, message: MessageFieldsFragment): MessageState {
  return {
    id: message.id,
    roomId,
    seq: message.seq,
    number: message.number,
    changedSeq: message.changedSeq,
    authorId: message.authorId,
    content: message.content,
    createdAt: message.createdAt,
    editedAt: message.editedAt,
    deletedAt: message.deletedAt,
    clientMessageId: message.clientMessageId,
    replyTo: message.replyTo?.id ?? null,
  };
}

export function pageFrom(roomId: string, page: PageFieldsFragment): Page {
  return {
    messages: page.edges.map(({ node }) => messageFrom(roomId, node)),
    cursors: new Map(page.edges.map(({ node, cursor }) => [node.id, cursor])),
    headSeq: page.headSeq,
    epoch: page.epoch,
    hasOlder: page.pageInfo.hasPreviousPage,
    hasNewer: page.pageInfo.hasNextPage,
  };
}

type Changes = NonNullable<ChangesQuery['room']>['changes'];

export function changesFrom(roomId: string, sinceSeq: number, changes: Changes): ChangesAnswer {
  return {
    sinceSeq,
    messages: changes.messages.map((message) => messageFrom(roomId, message)),
    nextSeq: changes.nextSeq,
    headSeq: changes.headSeq,
    epoch: changes.epoch,
    reset: changes.reset,
  };
}

export function authorsOf(messages: readonly MessageFieldsFragment[]): Person[] {
  return messages.flatMap(({ author }) => (author ? [author] : []));
}
