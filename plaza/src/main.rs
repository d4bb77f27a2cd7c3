//! The one executable: each part of Plaza is a subcommand.
fn main() {}
