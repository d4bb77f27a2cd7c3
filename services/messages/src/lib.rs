//! Messages, their order and read state; the messages-publisher.
