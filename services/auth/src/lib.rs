//! Accounts, passwords, sessions, signing keys, revocations and real-time tokens.
