//! Centrifugo: its server API, and the configuration that Plaza gives it.
