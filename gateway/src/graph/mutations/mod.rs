//! What can be done.

mod connection_token;
mod create_room;
mod delete_message;
mod edit_message;
mod join_room;
mod leave_room;
mod login;
mod logout;
mod mark_read;
mod refresh_session;
mod register;
mod revoke_session;
mod send_message;

use async_graphql::MergedObject;

/// What can be done. The fields of one mutation run one after another.
#[derive(MergedObject, Default)]
pub(crate) struct Mutation(
    register::Register,
    login::Login,
    refresh_session::RefreshSession,
    logout::Logout,
    revoke_session::RevokeSession,
    create_room::CreateRoom,
    join_room::JoinRoom,
    leave_room::LeaveRoom,
    send_message::SendMessage,
    edit_message::EditMessage,
    delete_message::DeleteMessage,
    mark_read::MarkRead,
    connection_token::ConnectionToken,
);
