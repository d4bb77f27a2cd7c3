//! The built SPA.

use std::{fs, path::Path};

use axum::http::{HeaderMap, Method, StatusCode, header};
use plaza_gateway::{Parts, RouterError, Services, router};
use plaza_testkit::{Answer, Issuer, Request};
use tempfile::TempDir;

use crate::stand_in::{Bench, args};

const ASSET: &str = "/assets/index-0a1b2c3d.js";

fn build() -> TempDir {
    let folder = TempDir::new().unwrap();
    let put = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("dist/index.html", "<!doctype html><title>Plaza</title>");
    put("dist/version.json", "{\"build\":\"1\"}");
    put("dist/theme.js", "0");
    put("dist/favicon.svg", "<svg/>");
    put(
        "dist/assets/index-0a1b2c3d.js",
        &"console.log(1);".repeat(1_000),
    );
    put("dist/assets/index-0a1b2c3d.css", "body{}");
    put("dist/.vite/manifest.json", "{}");
    put("secret.txt", "secret");
    folder
}

async fn bench(folder: &Path) -> Bench {
    let flag = format!("--spa-dir={}", folder.join("dist").display());
    Bench::alone(&[&flag]).await
}

async fn get(bench: &Bench, path: &str, accept: &str) -> Answer {
    Request::get(path)
        .header("accept", accept)
        .send(&bench.router)
        .await
}

const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers[name].to_str().unwrap()
}

#[tokio::test]
async fn every_client_side_address_answers_index_html_uncached() {
    let folder = build();
    let bench = bench(folder.path()).await;
    for path in [
        "/",
        "/index.html",
        "/login",
        "/rooms/0190a5b4-0000-7000-8000-000000000000",
        "/discover?query=a.b",
    ] {
        let answer = get(&bench, path, HTML).await.expect(StatusCode::OK);
        assert!(answer.text().contains("<title>Plaza"), "{path}");
        assert_eq!(text(&answer.headers, header::CACHE_CONTROL), "no-store");
        assert_eq!(text(&answer.headers, header::CONTENT_TYPE), "text/html");
        assert!(answer.headers.get(header::LAST_MODIFIED).is_none());
        assert!(answer.headers.get(header::ETAG).is_none());
    }
    // A browser that kept one anyway is not told that it is still good.
    let answer = Request::get("/")
        .header("accept", HTML)
        .header("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT")
        .header("if-none-match", "*")
        .send(&bench.router)
        .await;
    answer.expect(StatusCode::OK);
}

#[tokio::test]
async fn assets_are_kept_for_good_and_missing_ones_are_404() {
    let folder = build();
    let bench = bench(folder.path()).await;
    let answer = get(&bench, ASSET, "*/*").await.expect(StatusCode::OK);
    assert_eq!(
        text(&answer.headers, header::CACHE_CONTROL),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(
        text(&answer.headers, header::CONTENT_TYPE),
        "text/javascript"
    );
    let missing = get(&bench, "/assets/index-gone.js", HTML)
        .await
        .expect(StatusCode::NOT_FOUND);
    assert_eq!(text(&missing.headers, header::CACHE_CONTROL), "no-store");
    for path in ["/assets", "/assets/", "/robots.txt"] {
        get(&bench, path, "*/*").await.expect(StatusCode::NOT_FOUND);
    }
    for of_one_release in ["/version.json", "/theme.js"] {
        let answer = get(&bench, of_one_release, "*/*").await;
        let answer = answer.expect(StatusCode::OK);
        assert_eq!(text(&answer.headers, header::CACHE_CONTROL), "no-store");
    }
    let icon = get(&bench, "/favicon.svg", "image/*")
        .await
        .expect(StatusCode::OK);
    assert_eq!(text(&icon.headers, header::CONTENT_TYPE), "image/svg+xml");
}

#[tokio::test]
async fn answers_are_compressed_for_who_takes_it_and_head_works() {
    let folder = build();
    let bench = bench(folder.path()).await;
    let zipped = Request::get(ASSET)
        .header("accept-encoding", "gzip, br")
        .send(&bench.router)
        .await;
    let zipped = zipped.expect(StatusCode::OK);
    assert_eq!(text(&zipped.headers, header::CONTENT_ENCODING), "gzip");
    assert!(text(&zipped.headers, header::VARY).contains("accept-encoding"));
    assert!(zipped.bytes.len() < 1_000);
    fs::write(
        folder
            .path()
            .join("dist")
            .join(format!("{}.gz", &ASSET[1..])),
        b"made before",
    )
    .unwrap();
    let made = Request::get(ASSET)
        .header("accept-encoding", "gzip")
        .send(&bench.router)
        .await;
    assert_eq!(made.text(), "made before");
    assert!(text(&made.headers, header::VARY).contains("accept-encoding"));
    let plain = Request::get(ASSET).send(&bench.router).await;
    assert_eq!(plain.bytes.len(), 15_000);
    for path in ["/", ASSET] {
        let head = Request::new(Method::HEAD, path)
            .header("accept", HTML)
            .send(&bench.router)
            .await;
        assert!(head.expect(StatusCode::OK).bytes.is_empty());
    }
}

#[tokio::test]
async fn nothing_outside_the_folder_and_no_dot_file_is_served() {
    let folder = build();
    let bench = bench(folder.path()).await;
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/../../secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets//etc/passwd",
        "//etc/passwd",
        "/%00",
        "/.vite/manifest.json",
        "/%2evite/manifest.json",
    ] {
        let answer = get(&bench, path, "*/*").await;
        assert!(
            answer.status.is_client_error(),
            "{path}: {} {}",
            answer.status,
            answer.text()
        );
        assert!(!answer.text().contains("secret"), "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let folder = build();
    let bench = bench(folder.path()).await;
    for path in ["/", ASSET, "/assets/gone.js", "/graphql"] {
        let answer = get(&bench, path, HTML).await;
        let policy = text(&answer.headers, header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(
            text(&answer.headers, header::X_CONTENT_TYPE_OPTIONS),
            "nosniff"
        );
        assert_eq!(
            text(&answer.headers, header::REFERRER_POLICY),
            "same-origin"
        );
        assert_eq!(answer.headers["cross-origin-opener-policy"], "same-origin");
        assert!(answer.headers.contains_key("permissions-policy"));
    }
}

#[tokio::test]
async fn without_a_build_the_root_says_how_to_get_one() {
    let bench = Bench::alone(&[]).await;
    let answer = get(&bench, "/", HTML).await.expect(StatusCode::OK);
    assert!(answer.text().contains("PLAZA_SPA_DIR"));
    get(&bench, "/login", HTML)
        .await
        .expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_folder_that_is_no_build_is_refused_at_start() {
    let folder = TempDir::new().unwrap();
    let flag = format!("--spa-dir={}", folder.path().display());
    let args = args(&[&flag]);
    let parts = Parts {
        services: Services::new(&args.peers).unwrap(),
        verifier: Issuer::new().verifier(),
        tokens: plaza_testkit::service_tokens("gateway"),
        args,
    };
    let error = router(parts).unwrap_err();
    assert!(matches!(error, RouterError::Spa(_)));
    assert!(error.to_string().contains("index.html"), "{error}");
}
