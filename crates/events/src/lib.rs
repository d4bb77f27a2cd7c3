//! Durable events: their types, the outbox, the relay to Redis Streams and the reader of them.
