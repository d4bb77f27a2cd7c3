//! What can be done.

mod accept_invitation;
mod ban_member;
mod connection_token;
mod create_room;
mod delete_message;
mod delete_room;
mod edit_message;
mod invite;
mod join_room;
mod kick_member;
mod leave_room;
mod login;
mod logout;
mod mark_read;
mod mute_member;
mod refresh_session;
mod register;
mod revoke_invitation;
mod revoke_session;
mod send_message;
mod set_role;
mod set_typing;
mod subscription_token;
mod unban_member;
mod update_room;

use async_graphql::MergedObject;

// In groups: each member of a merged object nests its futures once more, and
// the compiler bounds how deep.
/// What can be done. The fields of one mutation run one after another.
#[derive(MergedObject, Default)]
pub(crate) struct Mutation(OfAccounts, OfRooms, OfMembers, OfMessages, OfRealtime);

#[derive(MergedObject, Default)]
struct OfAccounts(
    register::Register,
    login::Login,
    refresh_session::RefreshSession,
    logout::Logout,
    revoke_session::RevokeSession,
);

#[derive(MergedObject, Default)]
struct OfRooms(
    create_room::CreateRoom,
    join_room::JoinRoom,
    leave_room::LeaveRoom,
    update_room::UpdateRoom,
    delete_room::DeleteRoom,
);

#[derive(MergedObject, Default)]
struct OfMembers(
    set_role::SetRole,
    kick_member::KickMember,
    ban_member::BanMember,
    unban_member::UnbanMember,
    mute_member::MuteMember,
    invite::Invite,
    accept_invitation::AcceptInvitation,
    revoke_invitation::RevokeInvitation,
);

#[derive(MergedObject, Default)]
struct OfMessages(
    send_message::SendMessage,
    edit_message::EditMessage,
    delete_message::DeleteMessage,
    mark_read::MarkRead,
);

#[derive(MergedObject, Default)]
struct OfRealtime(
    set_typing::SetTyping,
    connection_token::ConnectionToken,
    subscription_token::SubscriptionToken,
);
