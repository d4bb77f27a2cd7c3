//! Real PostgreSQL, Redis and Centrifugo for tests, a database per test, and signed tokens.
