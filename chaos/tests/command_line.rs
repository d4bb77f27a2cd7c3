//! What the program says when it cannot begin.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::process::Command;

#[test]
fn an_executable_that_is_not_there_is_named_with_the_seed() {
    let output = Command::new(env!("CARGO_BIN_EXE_plaza-chaos"))
        .args(["--plaza", "/nowhere/plaza", "--seed", "7"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("/nowhere/plaza") && said.contains("seed 7"),
        "{said}"
    );
}
