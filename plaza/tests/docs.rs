//! What the documentation names is there.

#![allow(clippy::expect_used, reason = "helpers of a test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("plaza/ is in the workspace")
        .to_owned()
}

fn documents() -> Vec<PathBuf> {
    let root = workspace();
    let mut found = vec![root.join("README.md"), root.join("SECURITY.md")];
    for folder in ["docs", "docs/decisions"] {
        let entries = fs::read_dir(root.join(folder)).expect("a folder of documents");
        found.extend(
            entries
                .map(|entry| entry.expect("an entry").path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "md")),
        );
    }
    assert!(found.len() > 10, "{found:?}");
    found
}

/// The targets of Markdown links that stay in the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| {
        let target = rest.split(')').next()?.split('#').next()?;
        (!target.is_empty() && !target.contains("://")).then_some(target)
    })
}

/// Words in backquotes that are paths from the root of the repository.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    const ROOTS: [&str; 7] = [
        "crates/",
        "services/",
        "gateway/",
        "plaza/",
        "frontend/",
        "docs/",
        "scripts/",
    ];
    text.split('`').skip(1).step_by(2).filter(|word| {
        ROOTS.iter().any(|root| word.starts_with(root)) && !word.contains([' ', '*', '<', '…'])
    })
}

#[test]
fn links_and_paths_in_the_documents_lead_somewhere() {
    let root = workspace();
    let mut checked = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).expect("a document");
        let folder = document.parent().expect("a folder");
        for link in links(&text) {
            assert!(
                folder.join(link).exists(),
                "{} links to {link}",
                document.display()
            );
            checked += 1;
        }
        for path in paths(&text) {
            assert!(
                root.join(path).exists(),
                "{} names {path}",
                document.display()
            );
            checked += 1;
        }
    }
    assert!(checked > 40, "only {checked} links and paths were found");
}
