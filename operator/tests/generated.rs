//! The files that are made from the types are the ones that are committed.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::{path::Path, process::Command};

fn is_what_it_prints(subcommand: &str, file: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_plaza-operator"))
        .arg(subcommand)
        .output()
        .unwrap();
    assert!(output.status.success());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let committed = std::fs::read_to_string(root.join(file)).unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        printed == committed,
        "{file} is not up to date: cargo run -p plaza-operator -- {subcommand} > {file}"
    );
}

#[test]
fn the_crd() {
    is_what_it_prints("crd", "k8s/crds/chatdeployments.yaml");
}

#[test]
fn the_reference() {
    is_what_it_prints("reference", "docs/crd-reference.md");
}
