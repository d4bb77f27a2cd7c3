//! What the program says before it begins.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::process::{Command, Output};

fn bench(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plaza-bench"))
        .args(words)
        .output()
        .unwrap()
}

#[test]
fn an_executable_that_is_not_there_is_named() {
    let output = bench(&["--plaza", "/nowhere/plaza"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("/nowhere/plaza"), "{said}");
}

#[test]
fn the_rows_are_listed_by_the_names_that_choose_them() {
    let output = bench(&["--list"]);
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    let names: Vec<_> = said
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        names.contains(&"room-100") && names.contains(&"reads"),
        "{said}"
    );
    // One that is chosen by its name is no mistake of the command line, which
    // would end with 2.
    for name in names {
        let output = bench(&["--plaza", "/nowhere/plaza", "--only", name]);
        assert_eq!(output.status.code(), Some(1), "{name}");
    }
}
