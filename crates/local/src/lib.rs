//! Real servers on this machine: PostgreSQL, Redis and Centrifugo under a data folder, on loopback.
