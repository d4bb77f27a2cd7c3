//! Imports run one way: the executable → load tester → services, gateway and operator → crates.
//! Inside a service: HTTP and background tasks → domain ← storage.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails where something is not as it should be"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("plaza/ is in the workspace")
        .to_owned()
}

/// Where a package stands, by its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Crates,
    Services,
    Loadtest,
    Executable,
}

fn layer(manifest: &str) -> Layer {
    let path = manifest
        .strip_prefix(workspace().to_str().expect("UTF-8 path"))
        .unwrap_or(manifest);
    match path.trim_start_matches('/').split('/').next() {
        Some("crates") => Layer::Crates,
        Some("services" | "gateway" | "operator") => Layer::Services,
        Some("loadtest") => Layer::Loadtest,
        Some("plaza" | "chaos" | "bench") => Layer::Executable,
        other => panic!("{manifest}: {other:?} is no layer"),
    }
}

fn metadata() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut document: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    serde_json::from_value(document["packages"].take()).expect("a list of packages")
}

#[test]
fn packages_depend_downwards_only() {
    let packages = metadata();
    let layer_of = |name: &str| {
        packages
            .iter()
            .find(|package| package["name"] == name)
            .map(|package| layer(package["manifest_path"].as_str().expect("a path")))
    };
    let mut edges = 0;
    for package in &packages {
        let name = package["name"].as_str().expect("a name");
        let from = layer(package["manifest_path"].as_str().expect("a path"));
        for dependency in package["dependencies"].as_array().expect("a list") {
            let to_name = dependency["name"].as_str().expect("a name");
            let Some(to) = layer_of(to_name) else {
                continue;
            };
            let for_tests = dependency["kind"] == "dev";
            edges += 1;
            let allowed = match (from, to) {
                (Layer::Executable, Layer::Loadtest | Layer::Services | Layer::Crates)
                | (Layer::Loadtest, Layer::Services | Layer::Crates) => true,
                (Layer::Services, Layer::Crates) => {
                    for_tests || !matches!(to_name, "plaza-testkit" | "plaza-local")
                }
                (Layer::Crates, Layer::Crates) => {
                    for_tests || name == "plaza-testkit" || to_name != "plaza-testkit"
                }
                _ => false,
            };
            assert!(
                allowed,
                "{name} ({from:?}) must not depend on {to_name} ({to:?})"
            );
        }
    }
    assert!(
        edges > 20,
        "found only {edges} dependencies inside the workspace"
    );
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder)
        .expect("a folder of sources")
        .map(|entry| entry.expect("an entry"))
    {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn service_sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for service in ["auth", "rooms", "messages"] {
        sources(
            &workspace().join("services").join(service).join("src"),
            &mut found,
        );
    }
    assert!(found.len() > 20, "found only {} sources", found.len());
    found
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(&path).expect("a source")))
        .collect()
}

fn is_in(path: &Path, folder: &str) -> bool {
    path.components().any(|part| part.as_os_str() == folder)
        || path.file_stem().is_some_and(|stem| stem == folder)
}

/// The part of a source that is not its tests.
fn product(source: &str) -> &str {
    source.split("#[cfg(test)]").next().unwrap_or(source)
}

#[test]
fn the_domain_knows_neither_http_nor_sql() {
    let mut seen = 0;
    for (path, source) in service_sources()
        .iter()
        .filter(|(path, _)| is_in(path, "domain"))
    {
        seen += 1;
        for framework in ["axum", "sqlx", "reqwest", "redis"] {
            assert!(
                !product(source).contains(&format!("{framework}::")),
                "{} uses {framework}",
                path.display()
            );
        }
    }
    assert!(seen > 0, "no service has a domain");
}

#[test]
fn sql_is_in_storage_alone() {
    for (path, source) in service_sources() {
        let exempt = ["storage", "testing", "tests", "guarantees"];
        if !exempt.iter().any(|folder| is_in(&path, folder)) {
            for query in ["sqlx::query", "query!(", "query_as!(", "query_scalar!("] {
                assert!(
                    !product(&source).contains(query),
                    "{} holds SQL: {query}",
                    path.display()
                );
            }
        }
    }
}
