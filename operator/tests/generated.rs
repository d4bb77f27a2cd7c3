//! The files that are made from the types are the ones that are committed.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;

use plaza_operator::generate;

fn is_committed(made: &str, file: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let committed = std::fs::read_to_string(root.join(file)).unwrap();
    assert!(
        made == committed,
        "{file} is out of date: `make generate` writes it anew"
    );
}

#[test]
fn the_crd() {
    let crd = generate::crd_yaml().unwrap();
    is_committed(&crd, "k8s/crds/chatdeployments.yaml");
}

#[test]
fn the_reference() {
    is_committed(&generate::reference(), "docs/crd-reference.md");
}
