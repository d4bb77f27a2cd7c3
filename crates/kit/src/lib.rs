//! What every service is made of: configuration, telemetry, health, shutdown, errors, token checks.
