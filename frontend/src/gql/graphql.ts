/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** Whom to keep out. */
export type BanMemberInput = {
  /** Why, for those who moderate the room, at most 250 characters. */
  reason?: string | null | undefined;
  /** Of which room. */
  roomId: string;
  /** Until when; null: for good. */
  until?: string | null | undefined;
  /** Whom; a member or not. */
  userId: string;
};

/** How a client keeps its refresh token. */
export type ClientKind =
  /** In an HttpOnly cookie, which the answer sets. */
  | 'BROWSER'
  /** Itself: the answer has `refreshToken`. */
  | 'NATIVE';

/** A new room. */
export type CreateRoomInput = {
  /** Its name, at most 80 characters. */
  name: string;
  /** What it is about, at most 250 characters. */
  topic?: string | null | undefined;
  /** Who may read. */
  visibility?: Visibility;
};

/** Whom to invite. */
export type InviteInput = {
  /** How long, in seconds, from a minute to 30 days; null: a week. */
  expiresIn?: number | null | undefined;
  /** How often a link can be used, from 1 to 1,000; null: once. */
  maxUses?: number | null | undefined;
  /** Into which room. */
  roomId: string;
  /** Whom, by name; null: whoever has the link. */
  username?: string | null | undefined;
};

/** Who signs in. */
export type LoginInput = {
  /** How this client keeps its refresh token. */
  client?: ClientKind;
  /** The password. */
  password: string;
  /** The name for mentions, without regard to case. */
  username: string;
};

/** Who may not write. */
export type MuteMemberInput = {
  /** In which room. */
  roomId: string;
  /** Until when, at most a year from now; null: they may write again. */
  until?: string | null | undefined;
  /** Which member. */
  userId: string;
};

/** A new account. */
export type RegisterInput = {
  /** How this client keeps its refresh token. */
  client?: ClientKind;
  /** The name to read; the username when absent. */
  displayName?: string | null | undefined;
  /** At least 8 characters. */
  password: string;
  /** The wanted name for mentions; unique without regard to case. */
  username: string;
};

/** What a member may do; a role acts only on lower ones. */
export type Role =
  /** Changes the room and its moderators. */
  | 'ADMIN'
  /** Reads and writes. */
  | 'MEMBER'
  /** Removes messages and mutes members. */
  | 'MODERATOR'
  /** Everything, and there is always one. */
  | 'OWNER';

/** A message to send. */
export type SendMessageInput = {
  /** The client's own id of this message: sending it again with the same id answers the first one. */
  clientMessageId: string;
  /** CommonMark, at most 4,000 characters. */
  content: string;
  /** The message of the same room that it answers. */
  replyTo?: string | null | undefined;
  /** Where to. */
  roomId: string;
};

/** A member's new role. */
export type SetRoleInput = {
  /** What they may do from now on. */
  role: Role;
  /** In which room. */
  roomId: string;
  /** Which member. */
  userId: string;
};

/** What to change of a room; what is left out stays. */
export type UpdateRoomInput = {
  /** Its name, at most 80 characters. */
  name?: string | null | undefined;
  /** Which room. */
  roomId: string;
  /** What it is about, at most 250 characters; an empty one takes the old one away. */
  topic?: string | null | undefined;
  /** Who may read. A private room that becomes public shows its whole history to everybody. */
  visibility?: Visibility | null | undefined;
};

/** Who may read a room. */
export type Visibility =
  /** Members only. */
  | 'PRIVATE'
  /** Every signed-in user may read; members may write. */
  | 'PUBLIC';

export type LoginMutationVariables = Exact<{
  input: LoginInput;
}>;


export type LoginMutation = { login: { accessToken: string, expiresAt: string, user: { id: string, username: string, displayName: string } } };

export type RegisterMutationVariables = Exact<{
  input: RegisterInput;
}>;


export type RegisterMutation = { register: { accessToken: string, expiresAt: string, user: { id: string, username: string, displayName: string } } };

export type RefreshMutationVariables = Exact<{ [key: string]: never; }>;


export type RefreshMutation = { refreshSession: { accessToken: string, expiresAt: string, user: { id: string, username: string, displayName: string } } };

export type LogoutMutationVariables = Exact<{ [key: string]: never; }>;


export type LogoutMutation = { logout: boolean };

export type SessionFieldsFragment = { accessToken: string, expiresAt: string, user: { id: string, username: string, displayName: string } };

export type DiscoverQueryVariables = Exact<{
  query?: string | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type DiscoverQuery = { discoverRooms: { nodes: Array<{ id: string, name: string, topic: string | null, visibility: Visibility, memberCount: number, unreadCount: number, readNumber: number, version: number, epoch: string, createdAt: string, viewerMembership: { role: Role, joinedAt: string, mutedUntil: string | null } | null, lastMessage: { number: number, content: string, createdAt: string, deletedAt: string | null, authorId: string, author: { id: string, username: string, displayName: string } | null } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type InvitationFieldsFragment = { id: string, roomId: string, roomName: string, maxUses: number, uses: number, createdAt: string, expiresAt: string, inviter: { id: string, displayName: string } | null, invitee: { id: string, username: string, displayName: string } | null };

export type InviteMutationVariables = Exact<{
  input: InviteInput;
}>;


export type InviteMutation = { invite: { token: string | null, id: string, roomId: string, roomName: string, maxUses: number, uses: number, createdAt: string, expiresAt: string, inviter: { id: string, displayName: string } | null, invitee: { id: string, username: string, displayName: string } | null } };

export type RoomInvitationsQueryVariables = Exact<{
  roomId: string;
  first: number;
  after?: string | null | undefined;
}>;


export type RoomInvitationsQuery = { room: { invitations: { nodes: Array<{ id: string, roomId: string, roomName: string, maxUses: number, uses: number, createdAt: string, expiresAt: string, inviter: { id: string, displayName: string } | null, invitee: { id: string, username: string, displayName: string } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } | null };

export type OwnInvitationsQueryVariables = Exact<{
  first: number;
}>;


export type OwnInvitationsQuery = { invitations: { nodes: Array<{ id: string, roomId: string, roomName: string, maxUses: number, uses: number, createdAt: string, expiresAt: string, inviter: { id: string, displayName: string } | null, invitee: { id: string, username: string, displayName: string } | null }> } };

export type JoinedRoomsQueryVariables = Exact<{ [key: string]: never; }>;


export type JoinedRoomsQuery = { heads: { rooms: Array<{ roomId: string }> } };

export type AcceptInvitationMutationVariables = Exact<{
  id?: string | null | undefined;
  token?: string | null | undefined;
}>;


export type AcceptInvitationMutation = { acceptInvitation: { id: string, name: string, topic: string | null, visibility: Visibility, memberCount: number, unreadCount: number, readNumber: number, version: number, epoch: string, createdAt: string, viewerMembership: { role: Role, joinedAt: string, mutedUntil: string | null } | null, lastMessage: { number: number, content: string, createdAt: string, deletedAt: string | null, authorId: string, author: { id: string, username: string, displayName: string } | null } | null } };

export type RevokeInvitationMutationVariables = Exact<{
  id: string;
}>;


export type RevokeInvitationMutation = { revokeInvitation: boolean };

export type MemberFieldsFragment = { role: Role, mutedUntil: string | null, user: { id: string, username: string, displayName: string } };

export type MembersQueryVariables = Exact<{
  roomId: string;
  first: number;
  after?: string | null | undefined;
}>;


export type MembersQuery = { room: { members: { nodes: Array<{ role: Role, mutedUntil: string | null, user: { id: string, username: string, displayName: string } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } | null };

export type BansQueryVariables = Exact<{
  roomId: string;
  first: number;
  after?: string | null | undefined;
}>;


export type BansQuery = { room: { bans: { nodes: Array<{ reason: string | null, createdAt: string, until: string | null, user: { id: string, username: string, displayName: string } | null, by: { id: string, displayName: string } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } | null };

export type SetRoleMutationVariables = Exact<{
  input: SetRoleInput;
}>;


export type SetRoleMutation = { setRole: { role: Role, mutedUntil: string | null, user: { id: string, username: string, displayName: string } } };

export type MuteMemberMutationVariables = Exact<{
  input: MuteMemberInput;
}>;


export type MuteMemberMutation = { muteMember: { role: Role, mutedUntil: string | null, user: { id: string, username: string, displayName: string } } };

export type KickMemberMutationVariables = Exact<{
  roomId: string;
  userId: string;
}>;


export type KickMemberMutation = { kickMember: boolean };

export type BanMemberMutationVariables = Exact<{
  input: BanMemberInput;
}>;


export type BanMemberMutation = { banMember: boolean };

export type UnbanMemberMutationVariables = Exact<{
  roomId: string;
  userId: string;
}>;


export type UnbanMemberMutation = { unbanMember: boolean };

export type RoomFieldsFragment = { id: string, name: string, topic: string | null, visibility: Visibility, memberCount: number, unreadCount: number, readNumber: number, version: number, epoch: string, createdAt: string, viewerMembership: { role: Role, joinedAt: string, mutedUntil: string | null } | null, lastMessage: { number: number, content: string, createdAt: string, deletedAt: string | null, authorId: string, author: { id: string, username: string, displayName: string } | null } | null };

export type RoomsQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type RoomsQuery = { rooms: { nodes: Array<{ id: string, name: string, topic: string | null, visibility: Visibility, memberCount: number, unreadCount: number, readNumber: number, version: number, epoch: string, createdAt: string, viewerMembership: { role: Role, joinedAt: string, mutedUntil: string | null } | null, lastMessage: { number: number, content: string, createdAt: string, deletedAt: string | null, authorId: string, author: { id: string, username: string, displayName: string } | null } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type RoomQueryVariables = Exact<{
  id: string;
}>;


export type RoomQuery = { room: { id: string, name: string, topic: string | null, visibility: Visibility, memberCount: number, unreadCount: number, readNumber: number, version: number, epoch: string, createdAt: string, viewerMembership: { role: Role, joinedAt: string, mutedUntil: string | null } | null, lastMessage: { number: number, content: string, createdAt: string, deletedAt: string | null, authorId: string, author: { id: string, username: string, displayName: string } | null } | null } | null };

export type HeadsQueryVariables = Exact<{ [key: string]: never; }>;


export type HeadsQuery = { heads: { pollAfter: number, rooms: Array<{ roomId: string, headSeq: number, version: number, number: number, unreadCount: number, lastMessageAt: string | null, preview: string | null, epoch: string }> } };

export type JoinRoomMutationVariables = Exact<{
  roomId: string;
}>;


export type JoinRoomMutation = { joinRoom: { id: string, name: string, topic: string | null, visibility: Visibility, memberCount: number, unreadCount: number, readNumber: number, version: number, epoch: string, createdAt: string, viewerMembership: { role: Role, joinedAt: string, mutedUntil: string | null } | null, lastMessage: { number: number, content: string, createdAt: string, deletedAt: string | null, authorId: string, author: { id: string, username: string, displayName: string } | null } | null } };

export type LeaveRoomMutationVariables = Exact<{
  roomId: string;
}>;


export type LeaveRoomMutation = { leaveRoom: boolean };

export type CreateRoomMutationVariables = Exact<{
  input: CreateRoomInput;
}>;


export type CreateRoomMutation = { createRoom: { id: string, name: string, topic: string | null, visibility: Visibility, memberCount: number, unreadCount: number, readNumber: number, version: number, epoch: string, createdAt: string, viewerMembership: { role: Role, joinedAt: string, mutedUntil: string | null } | null, lastMessage: { number: number, content: string, createdAt: string, deletedAt: string | null, authorId: string, author: { id: string, username: string, displayName: string } | null } | null } };

export type MarkReadMutationVariables = Exact<{
  roomId: string;
  number: number;
}>;


export type MarkReadMutation = { markRead: { id: string, readNumber: number } };

export type UpdateRoomMutationVariables = Exact<{
  input: UpdateRoomInput;
}>;


export type UpdateRoomMutation = { updateRoom: { id: string, name: string, topic: string | null, visibility: Visibility, memberCount: number, unreadCount: number, readNumber: number, version: number, epoch: string, createdAt: string, viewerMembership: { role: Role, joinedAt: string, mutedUntil: string | null } | null, lastMessage: { number: number, content: string, createdAt: string, deletedAt: string | null, authorId: string, author: { id: string, username: string, displayName: string } | null } | null } };

export type DeleteRoomMutationVariables = Exact<{
  roomId: string;
}>;


export type DeleteRoomMutation = { deleteRoom: boolean };

export type FirstMembersQueryVariables = Exact<{
  roomId: string;
}>;


export type FirstMembersQuery = { room: { members: { nodes: Array<{ role: Role, user: { id: string, displayName: string } }> } } | null };

export type SessionsQueryVariables = Exact<{ [key: string]: never; }>;


export type SessionsQuery = { sessions: Array<{ id: string, device: string, createdAt: string, lastSeenAt: string, current: boolean }> };

export type RevokeSessionMutationVariables = Exact<{
  id: string;
}>;


export type RevokeSessionMutation = { revokeSession: boolean };

export type MessageFieldsFragment = { id: string, seq: number, number: number, changedSeq: number, authorId: string, content: string, createdAt: string, editedAt: string | null, deletedAt: string | null, clientMessageId: string | null, author: { id: string, username: string, displayName: string } | null, replyTo: { id: string } | null };

export type PageFieldsFragment = { headSeq: number, epoch: string, edges: Array<{ cursor: string, node: { id: string, seq: number, number: number, changedSeq: number, authorId: string, content: string, createdAt: string, editedAt: string | null, deletedAt: string | null, clientMessageId: string | null, author: { id: string, username: string, displayName: string } | null, replyTo: { id: string } | null } }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean } };

export type NewestQueryVariables = Exact<{
  roomId: string;
  last: number;
}>;


export type NewestQuery = { room: { messages: { headSeq: number, epoch: string, edges: Array<{ cursor: string, node: { id: string, seq: number, number: number, changedSeq: number, authorId: string, content: string, createdAt: string, editedAt: string | null, deletedAt: string | null, clientMessageId: string | null, author: { id: string, username: string, displayName: string } | null, replyTo: { id: string } | null } }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean } } } | null };

export type OlderQueryVariables = Exact<{
  roomId: string;
  last: number;
  before: string;
}>;


export type OlderQuery = { room: { messages: { headSeq: number, epoch: string, edges: Array<{ cursor: string, node: { id: string, seq: number, number: number, changedSeq: number, authorId: string, content: string, createdAt: string, editedAt: string | null, deletedAt: string | null, clientMessageId: string | null, author: { id: string, username: string, displayName: string } | null, replyTo: { id: string } | null } }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean } } } | null };

export type NewerQueryVariables = Exact<{
  roomId: string;
  first: number;
  after: string;
}>;


export type NewerQuery = { room: { messages: { headSeq: number, epoch: string, edges: Array<{ cursor: string, node: { id: string, seq: number, number: number, changedSeq: number, authorId: string, content: string, createdAt: string, editedAt: string | null, deletedAt: string | null, clientMessageId: string | null, author: { id: string, username: string, displayName: string } | null, replyTo: { id: string } | null } }>, pageInfo: { hasNextPage: boolean, hasPreviousPage: boolean } } } | null };

export type ChangesQueryVariables = Exact<{
  roomId: string;
  sinceSeq: number;
  first: number;
}>;


export type ChangesQuery = { room: { changes: { nextSeq: number, headSeq: number, epoch: string, reset: boolean, messages: Array<{ id: string, seq: number, number: number, changedSeq: number, authorId: string, content: string, createdAt: string, editedAt: string | null, deletedAt: string | null, clientMessageId: string | null, author: { id: string, username: string, displayName: string } | null, replyTo: { id: string } | null }> } } | null };

export type SendMutationVariables = Exact<{
  input: SendMessageInput;
}>;


export type SendMutation = { sendMessage: { id: string, seq: number, number: number, changedSeq: number, authorId: string, content: string, createdAt: string, editedAt: string | null, deletedAt: string | null, clientMessageId: string | null, author: { id: string, username: string, displayName: string } | null, replyTo: { id: string } | null } };

export type EditMutationVariables = Exact<{
  id: string;
  content: string;
}>;


export type EditMutation = { editMessage: { id: string, seq: number, number: number, changedSeq: number, authorId: string, content: string, createdAt: string, editedAt: string | null, deletedAt: string | null, clientMessageId: string | null, author: { id: string, username: string, displayName: string } | null, replyTo: { id: string } | null } };

export type DeleteMutationVariables = Exact<{
  id: string;
}>;


export type DeleteMutation = { deleteMessage: { id: string, seq: number, number: number, changedSeq: number, authorId: string, content: string, createdAt: string, editedAt: string | null, deletedAt: string | null, clientMessageId: string | null, author: { id: string, username: string, displayName: string } | null, replyTo: { id: string } | null } };

export type UsersQueryVariables = Exact<{
  ids: Array<string> | string;
}>;


export type UsersQuery = { users: Array<{ id: string, username: string, displayName: string }> };

export type ConnectionTokenMutationVariables = Exact<{ [key: string]: never; }>;


export type ConnectionTokenMutation = { connectionToken: { token: string, expiresAt: string, endpoint: string, channels: Array<string> } | null };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const SessionFieldsFragmentDoc = new TypedDocumentString(`
    fragment SessionFields on Session {
  accessToken
  expiresAt
  user {
    id
    username
    displayName
  }
}
    `, {"fragmentName":"SessionFields"}) as unknown as TypedDocumentString<SessionFieldsFragment, unknown>;
export const InvitationFieldsFragmentDoc = new TypedDocumentString(`
    fragment InvitationFields on Invitation {
  id
  roomId
  roomName
  inviter {
    id
    displayName
  }
  invitee {
    id
    username
    displayName
  }
  maxUses
  uses
  createdAt
  expiresAt
}
    `, {"fragmentName":"InvitationFields"}) as unknown as TypedDocumentString<InvitationFieldsFragment, unknown>;
export const MemberFieldsFragmentDoc = new TypedDocumentString(`
    fragment MemberFields on Member {
  role
  mutedUntil
  user {
    id
    username
    displayName
  }
}
    `, {"fragmentName":"MemberFields"}) as unknown as TypedDocumentString<MemberFieldsFragment, unknown>;
export const RoomFieldsFragmentDoc = new TypedDocumentString(`
    fragment RoomFields on Room {
  id
  name
  topic
  visibility
  memberCount
  unreadCount
  readNumber
  version
  epoch
  createdAt
  viewerMembership {
    role
    joinedAt
    mutedUntil
  }
  lastMessage {
    number
    content
    createdAt
    deletedAt
    authorId
    author {
      id
      username
      displayName
    }
  }
}
    `, {"fragmentName":"RoomFields"}) as unknown as TypedDocumentString<RoomFieldsFragment, unknown>;
export const MessageFieldsFragmentDoc = new TypedDocumentString(`
    fragment MessageFields on Message {
  id
  seq
  number
  changedSeq
  authorId
  author {
    id
    username
    displayName
  }
  content
  createdAt
  editedAt
  deletedAt
  clientMessageId
  replyTo {
    id
  }
}
    `, {"fragmentName":"MessageFields"}) as unknown as TypedDocumentString<MessageFieldsFragment, unknown>;
export const PageFieldsFragmentDoc = new TypedDocumentString(`
    fragment PageFields on MessageConnection {
  edges {
    cursor
    node {
      ...MessageFields
    }
  }
  pageInfo {
    hasNextPage
    hasPreviousPage
  }
  headSeq
  epoch
}
    fragment MessageFields on Message {
  id
  seq
  number
  changedSeq
  authorId
  author {
    id
    username
    displayName
  }
  content
  createdAt
  editedAt
  deletedAt
  clientMessageId
  replyTo {
    id
  }
}`, {"fragmentName":"PageFields"}) as unknown as TypedDocumentString<PageFieldsFragment, unknown>;
export const LoginDocument = new TypedDocumentString(`
    mutation Login($input: LoginInput!) {
  login(input: $input) {
    ...SessionFields
  }
}
    fragment SessionFields on Session {
  accessToken
  expiresAt
  user {
    id
    username
    displayName
  }
}`) as unknown as TypedDocumentString<LoginMutation, LoginMutationVariables>;
export const RegisterDocument = new TypedDocumentString(`
    mutation Register($input: RegisterInput!) {
  register(input: $input) {
    ...SessionFields
  }
}
    fragment SessionFields on Session {
  accessToken
  expiresAt
  user {
    id
    username
    displayName
  }
}`) as unknown as TypedDocumentString<RegisterMutation, RegisterMutationVariables>;
export const RefreshDocument = new TypedDocumentString(`
    mutation Refresh {
  refreshSession {
    ...SessionFields
  }
}
    fragment SessionFields on Session {
  accessToken
  expiresAt
  user {
    id
    username
    displayName
  }
}`) as unknown as TypedDocumentString<RefreshMutation, RefreshMutationVariables>;
export const LogoutDocument = new TypedDocumentString(`
    mutation Logout {
  logout
}
    `) as unknown as TypedDocumentString<LogoutMutation, LogoutMutationVariables>;
export const DiscoverDocument = new TypedDocumentString(`
    query Discover($query: String, $first: Int!, $after: String) {
  discoverRooms(query: $query, first: $first, after: $after) {
    nodes {
      ...RoomFields
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment RoomFields on Room {
  id
  name
  topic
  visibility
  memberCount
  unreadCount
  readNumber
  version
  epoch
  createdAt
  viewerMembership {
    role
    joinedAt
    mutedUntil
  }
  lastMessage {
    number
    content
    createdAt
    deletedAt
    authorId
    author {
      id
      username
      displayName
    }
  }
}`) as unknown as TypedDocumentString<DiscoverQuery, DiscoverQueryVariables>;
export const InviteDocument = new TypedDocumentString(`
    mutation Invite($input: InviteInput!) {
  invite(input: $input) {
    ...InvitationFields
    token
  }
}
    fragment InvitationFields on Invitation {
  id
  roomId
  roomName
  inviter {
    id
    displayName
  }
  invitee {
    id
    username
    displayName
  }
  maxUses
  uses
  createdAt
  expiresAt
}`) as unknown as TypedDocumentString<InviteMutation, InviteMutationVariables>;
export const RoomInvitationsDocument = new TypedDocumentString(`
    query RoomInvitations($roomId: ID!, $first: Int!, $after: String) {
  room(id: $roomId) {
    invitations(first: $first, after: $after) {
      nodes {
        ...InvitationFields
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
    fragment InvitationFields on Invitation {
  id
  roomId
  roomName
  inviter {
    id
    displayName
  }
  invitee {
    id
    username
    displayName
  }
  maxUses
  uses
  createdAt
  expiresAt
}`) as unknown as TypedDocumentString<RoomInvitationsQuery, RoomInvitationsQueryVariables>;
export const OwnInvitationsDocument = new TypedDocumentString(`
    query OwnInvitations($first: Int!) {
  invitations(first: $first) {
    nodes {
      ...InvitationFields
    }
  }
}
    fragment InvitationFields on Invitation {
  id
  roomId
  roomName
  inviter {
    id
    displayName
  }
  invitee {
    id
    username
    displayName
  }
  maxUses
  uses
  createdAt
  expiresAt
}`) as unknown as TypedDocumentString<OwnInvitationsQuery, OwnInvitationsQueryVariables>;
export const JoinedRoomsDocument = new TypedDocumentString(`
    query JoinedRooms {
  heads {
    rooms {
      roomId
    }
  }
}
    `) as unknown as TypedDocumentString<JoinedRoomsQuery, JoinedRoomsQueryVariables>;
export const AcceptInvitationDocument = new TypedDocumentString(`
    mutation AcceptInvitation($id: ID, $token: String) {
  acceptInvitation(id: $id, token: $token) {
    ...RoomFields
  }
}
    fragment RoomFields on Room {
  id
  name
  topic
  visibility
  memberCount
  unreadCount
  readNumber
  version
  epoch
  createdAt
  viewerMembership {
    role
    joinedAt
    mutedUntil
  }
  lastMessage {
    number
    content
    createdAt
    deletedAt
    authorId
    author {
      id
      username
      displayName
    }
  }
}`) as unknown as TypedDocumentString<AcceptInvitationMutation, AcceptInvitationMutationVariables>;
export const RevokeInvitationDocument = new TypedDocumentString(`
    mutation RevokeInvitation($id: ID!) {
  revokeInvitation(id: $id)
}
    `) as unknown as TypedDocumentString<RevokeInvitationMutation, RevokeInvitationMutationVariables>;
export const MembersDocument = new TypedDocumentString(`
    query Members($roomId: ID!, $first: Int!, $after: String) {
  room(id: $roomId) {
    members(first: $first, after: $after) {
      nodes {
        ...MemberFields
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
    fragment MemberFields on Member {
  role
  mutedUntil
  user {
    id
    username
    displayName
  }
}`) as unknown as TypedDocumentString<MembersQuery, MembersQueryVariables>;
export const BansDocument = new TypedDocumentString(`
    query Bans($roomId: ID!, $first: Int!, $after: String) {
  room(id: $roomId) {
    bans(first: $first, after: $after) {
      nodes {
        user {
          id
          username
          displayName
        }
        by {
          id
          displayName
        }
        reason
        createdAt
        until
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
    `) as unknown as TypedDocumentString<BansQuery, BansQueryVariables>;
export const SetRoleDocument = new TypedDocumentString(`
    mutation SetRole($input: SetRoleInput!) {
  setRole(input: $input) {
    ...MemberFields
  }
}
    fragment MemberFields on Member {
  role
  mutedUntil
  user {
    id
    username
    displayName
  }
}`) as unknown as TypedDocumentString<SetRoleMutation, SetRoleMutationVariables>;
export const MuteMemberDocument = new TypedDocumentString(`
    mutation MuteMember($input: MuteMemberInput!) {
  muteMember(input: $input) {
    ...MemberFields
  }
}
    fragment MemberFields on Member {
  role
  mutedUntil
  user {
    id
    username
    displayName
  }
}`) as unknown as TypedDocumentString<MuteMemberMutation, MuteMemberMutationVariables>;
export const KickMemberDocument = new TypedDocumentString(`
    mutation KickMember($roomId: ID!, $userId: ID!) {
  kickMember(roomId: $roomId, userId: $userId)
}
    `) as unknown as TypedDocumentString<KickMemberMutation, KickMemberMutationVariables>;
export const BanMemberDocument = new TypedDocumentString(`
    mutation BanMember($input: BanMemberInput!) {
  banMember(input: $input)
}
    `) as unknown as TypedDocumentString<BanMemberMutation, BanMemberMutationVariables>;
export const UnbanMemberDocument = new TypedDocumentString(`
    mutation UnbanMember($roomId: ID!, $userId: ID!) {
  unbanMember(roomId: $roomId, userId: $userId)
}
    `) as unknown as TypedDocumentString<UnbanMemberMutation, UnbanMemberMutationVariables>;
export const RoomsDocument = new TypedDocumentString(`
    query Rooms($first: Int!, $after: String) {
  rooms(first: $first, after: $after) {
    nodes {
      ...RoomFields
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment RoomFields on Room {
  id
  name
  topic
  visibility
  memberCount
  unreadCount
  readNumber
  version
  epoch
  createdAt
  viewerMembership {
    role
    joinedAt
    mutedUntil
  }
  lastMessage {
    number
    content
    createdAt
    deletedAt
    authorId
    author {
      id
      username
      displayName
    }
  }
}`) as unknown as TypedDocumentString<RoomsQuery, RoomsQueryVariables>;
export const RoomDocument = new TypedDocumentString(`
    query Room($id: ID!) {
  room(id: $id) {
    ...RoomFields
  }
}
    fragment RoomFields on Room {
  id
  name
  topic
  visibility
  memberCount
  unreadCount
  readNumber
  version
  epoch
  createdAt
  viewerMembership {
    role
    joinedAt
    mutedUntil
  }
  lastMessage {
    number
    content
    createdAt
    deletedAt
    authorId
    author {
      id
      username
      displayName
    }
  }
}`) as unknown as TypedDocumentString<RoomQuery, RoomQueryVariables>;
export const HeadsDocument = new TypedDocumentString(`
    query Heads {
  heads {
    pollAfter
    rooms {
      roomId
      headSeq
      version
      number
      unreadCount
      lastMessageAt
      preview
      epoch
    }
  }
}
    `) as unknown as TypedDocumentString<HeadsQuery, HeadsQueryVariables>;
export const JoinRoomDocument = new TypedDocumentString(`
    mutation JoinRoom($roomId: ID!) {
  joinRoom(roomId: $roomId) {
    ...RoomFields
  }
}
    fragment RoomFields on Room {
  id
  name
  topic
  visibility
  memberCount
  unreadCount
  readNumber
  version
  epoch
  createdAt
  viewerMembership {
    role
    joinedAt
    mutedUntil
  }
  lastMessage {
    number
    content
    createdAt
    deletedAt
    authorId
    author {
      id
      username
      displayName
    }
  }
}`) as unknown as TypedDocumentString<JoinRoomMutation, JoinRoomMutationVariables>;
export const LeaveRoomDocument = new TypedDocumentString(`
    mutation LeaveRoom($roomId: ID!) {
  leaveRoom(roomId: $roomId)
}
    `) as unknown as TypedDocumentString<LeaveRoomMutation, LeaveRoomMutationVariables>;
export const CreateRoomDocument = new TypedDocumentString(`
    mutation CreateRoom($input: CreateRoomInput!) {
  createRoom(input: $input) {
    ...RoomFields
  }
}
    fragment RoomFields on Room {
  id
  name
  topic
  visibility
  memberCount
  unreadCount
  readNumber
  version
  epoch
  createdAt
  viewerMembership {
    role
    joinedAt
    mutedUntil
  }
  lastMessage {
    number
    content
    createdAt
    deletedAt
    authorId
    author {
      id
      username
      displayName
    }
  }
}`) as unknown as TypedDocumentString<CreateRoomMutation, CreateRoomMutationVariables>;
export const MarkReadDocument = new TypedDocumentString(`
    mutation MarkRead($roomId: ID!, $number: Seq!) {
  markRead(roomId: $roomId, number: $number) {
    id
    readNumber
  }
}
    `) as unknown as TypedDocumentString<MarkReadMutation, MarkReadMutationVariables>;
export const UpdateRoomDocument = new TypedDocumentString(`
    mutation UpdateRoom($input: UpdateRoomInput!) {
  updateRoom(input: $input) {
    ...RoomFields
  }
}
    fragment RoomFields on Room {
  id
  name
  topic
  visibility
  memberCount
  unreadCount
  readNumber
  version
  epoch
  createdAt
  viewerMembership {
    role
    joinedAt
    mutedUntil
  }
  lastMessage {
    number
    content
    createdAt
    deletedAt
    authorId
    author {
      id
      username
      displayName
    }
  }
}`) as unknown as TypedDocumentString<UpdateRoomMutation, UpdateRoomMutationVariables>;
export const DeleteRoomDocument = new TypedDocumentString(`
    mutation DeleteRoom($roomId: ID!) {
  deleteRoom(roomId: $roomId)
}
    `) as unknown as TypedDocumentString<DeleteRoomMutation, DeleteRoomMutationVariables>;
export const FirstMembersDocument = new TypedDocumentString(`
    query FirstMembers($roomId: ID!) {
  room(id: $roomId) {
    members(first: 2) {
      nodes {
        role
        user {
          id
          displayName
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<FirstMembersQuery, FirstMembersQueryVariables>;
export const SessionsDocument = new TypedDocumentString(`
    query Sessions {
  sessions {
    id
    device
    createdAt
    lastSeenAt
    current
  }
}
    `) as unknown as TypedDocumentString<SessionsQuery, SessionsQueryVariables>;
export const RevokeSessionDocument = new TypedDocumentString(`
    mutation RevokeSession($id: ID!) {
  revokeSession(id: $id)
}
    `) as unknown as TypedDocumentString<RevokeSessionMutation, RevokeSessionMutationVariables>;
export const NewestDocument = new TypedDocumentString(`
    query Newest($roomId: ID!, $last: Int!) {
  room(id: $roomId) {
    messages(last: $last) {
      ...PageFields
    }
  }
}
    fragment MessageFields on Message {
  id
  seq
  number
  changedSeq
  authorId
  author {
    id
    username
    displayName
  }
  content
  createdAt
  editedAt
  deletedAt
  clientMessageId
  replyTo {
    id
  }
}
fragment PageFields on MessageConnection {
  edges {
    cursor
    node {
      ...MessageFields
    }
  }
  pageInfo {
    hasNextPage
    hasPreviousPage
  }
  headSeq
  epoch
}`) as unknown as TypedDocumentString<NewestQuery, NewestQueryVariables>;
export const OlderDocument = new TypedDocumentString(`
    query Older($roomId: ID!, $last: Int!, $before: String!) {
  room(id: $roomId) {
    messages(last: $last, before: $before) {
      ...PageFields
    }
  }
}
    fragment MessageFields on Message {
  id
  seq
  number
  changedSeq
  authorId
  author {
    id
    username
    displayName
  }
  content
  createdAt
  editedAt
  deletedAt
  clientMessageId
  replyTo {
    id
  }
}
fragment PageFields on MessageConnection {
  edges {
    cursor
    node {
      ...MessageFields
    }
  }
  pageInfo {
    hasNextPage
    hasPreviousPage
  }
  headSeq
  epoch
}`) as unknown as TypedDocumentString<OlderQuery, OlderQueryVariables>;
export const NewerDocument = new TypedDocumentString(`
    query Newer($roomId: ID!, $first: Int!, $after: String!) {
  room(id: $roomId) {
    messages(first: $first, after: $after) {
      ...PageFields
    }
  }
}
    fragment MessageFields on Message {
  id
  seq
  number
  changedSeq
  authorId
  author {
    id
    username
    displayName
  }
  content
  createdAt
  editedAt
  deletedAt
  clientMessageId
  replyTo {
    id
  }
}
fragment PageFields on MessageConnection {
  edges {
    cursor
    node {
      ...MessageFields
    }
  }
  pageInfo {
    hasNextPage
    hasPreviousPage
  }
  headSeq
  epoch
}`) as unknown as TypedDocumentString<NewerQuery, NewerQueryVariables>;
export const ChangesDocument = new TypedDocumentString(`
    query Changes($roomId: ID!, $sinceSeq: Seq!, $first: Int!) {
  room(id: $roomId) {
    changes(sinceSeq: $sinceSeq, first: $first) {
      messages {
        ...MessageFields
      }
      nextSeq
      headSeq
      epoch
      reset
    }
  }
}
    fragment MessageFields on Message {
  id
  seq
  number
  changedSeq
  authorId
  author {
    id
    username
    displayName
  }
  content
  createdAt
  editedAt
  deletedAt
  clientMessageId
  replyTo {
    id
  }
}`) as unknown as TypedDocumentString<ChangesQuery, ChangesQueryVariables>;
export const SendDocument = new TypedDocumentString(`
    mutation Send($input: SendMessageInput!) {
  sendMessage(input: $input) {
    ...MessageFields
  }
}
    fragment MessageFields on Message {
  id
  seq
  number
  changedSeq
  authorId
  author {
    id
    username
    displayName
  }
  content
  createdAt
  editedAt
  deletedAt
  clientMessageId
  replyTo {
    id
  }
}`) as unknown as TypedDocumentString<SendMutation, SendMutationVariables>;
export const EditDocument = new TypedDocumentString(`
    mutation Edit($id: ID!, $content: String!) {
  editMessage(id: $id, content: $content) {
    ...MessageFields
  }
}
    fragment MessageFields on Message {
  id
  seq
  number
  changedSeq
  authorId
  author {
    id
    username
    displayName
  }
  content
  createdAt
  editedAt
  deletedAt
  clientMessageId
  replyTo {
    id
  }
}`) as unknown as TypedDocumentString<EditMutation, EditMutationVariables>;
export const DeleteDocument = new TypedDocumentString(`
    mutation Delete($id: ID!) {
  deleteMessage(id: $id) {
    ...MessageFields
  }
}
    fragment MessageFields on Message {
  id
  seq
  number
  changedSeq
  authorId
  author {
    id
    username
    displayName
  }
  content
  createdAt
  editedAt
  deletedAt
  clientMessageId
  replyTo {
    id
  }
}`) as unknown as TypedDocumentString<DeleteMutation, DeleteMutationVariables>;
export const UsersDocument = new TypedDocumentString(`
    query Users($ids: [ID!]!) {
  users(ids: $ids) {
    id
    username
    displayName
  }
}
    `) as unknown as TypedDocumentString<UsersQuery, UsersQueryVariables>;
export const ConnectionTokenDocument = new TypedDocumentString(`
    mutation ConnectionToken {
  connectionToken {
    token
    expiresAt
    endpoint
    channels
  }
}
    `) as unknown as TypedDocumentString<ConnectionTokenMutation, ConnectionTokenMutationVariables>;