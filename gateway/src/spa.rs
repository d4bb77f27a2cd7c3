//! The built SPA. `/assets/*` carries hashes in its names and is cached for
//! good (the files of the last release stay in the folder beside the new
//! ones); index.html is never cached and answers every address that the
//! client's router may know.

use std::path::{Path, PathBuf};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tower::ServiceExt;
use tower_http::services::{ServeDir, ServeFile};

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const NEVER: HeaderValue = HeaderValue::from_static("no-store");

const WITHOUT: &str = "Plaza's API answers at POST /graphql.\n\n\
                       The web app is not served here: build it (`npm ci && npm run build` in frontend) and set \
                       PLAZA_SPA_DIR to the folder that holds its index.html.\n";

/// Why a folder cannot be served.
#[derive(Debug, thiserror::Error)]
#[error(
    "{folder} is not a built web app: it has no index.html; run `npm ci && npm run build` in frontend and give its dist folder"
)]
pub struct SpaError {
    folder: PathBuf,
}

#[derive(Debug, Clone)]
struct Spa {
    files: ServeDir,
    index: ServeFile,
}

/// Serves the folder, or says how to get one.
pub(crate) fn routes(folder: Option<&Path>) -> Result<Router, SpaError> {
    let Some(folder) = folder else {
        return Ok(Router::new().route(
            "/",
            get(|| async { ([(header::CACHE_CONTROL, NEVER)], WITHOUT) }),
        ));
    };
    let index = folder.join("index.html");
    if !index.is_file() {
        return Err(SpaError {
            folder: folder.to_owned(),
        });
    }
    let spa = Spa {
        files: ServeDir::new(folder)
            .append_index_html_on_directories(false)
            .precompressed_gzip(),
        index: ServeFile::new(index).precompressed_gzip(),
    };
    Ok(Router::new()
        .route("/assets/{*file}", get(asset))
        .route("/", get(page))
        .route("/{*path}", get(page))
        .with_state(spa))
}

async fn asset(State(spa): State<Spa>, request: Request) -> Response {
    if hidden(request.uri().path()) {
        return nothing();
    }
    match spa.files.oneshot(request).await {
        Ok(response) if found(response.status()) => cached(response, IMMUTABLE),
        _ => nothing(),
    }
}

async fn page(State(spa): State<Spa>, mut request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if hidden(&path) {
        return nothing();
    }
    let html = accepts_html(request.headers());
    // What belongs to one release must come with its index.html. Times of files
    // and the tags made of them say nothing about releases (images may set them
    // all alike), so it is answered whole.
    let fresh = !matches!(extension(&path), "svg" | "png" | "ico" | "webp" | "woff2");
    if fresh {
        unconditional(request.headers_mut());
    }
    if path != "/" {
        let file = copy(&request);
        if let Ok(response) = spa.files.oneshot(file).await
            && found(response.status())
        {
            return if fresh {
                uncached(response)
            } else {
                cached(response, AN_HOUR)
            };
        }
        if !html || path.starts_with("/assets") {
            return nothing();
        }
        unconditional(request.headers_mut());
    }
    match spa.index.oneshot(request).await {
        Ok(response) if found(response.status()) => uncached(response),
        _ => nothing(),
    }
}

/// Asks for the whole file, whatever the browser has of it.
fn unconditional(headers: &mut HeaderMap) {
    for name in [
        header::IF_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_NONE_MATCH,
        header::IF_RANGE,
        header::IF_UNMODIFIED_SINCE,
        header::RANGE,
    ] {
        headers.remove(name);
    }
}

fn copy(request: &Request) -> Request {
    let mut file = Request::new(Body::empty());
    *file.method_mut() = request.method().clone();
    *file.uri_mut() = request.uri().clone();
    *file.headers_mut() = request.headers().clone();
    file
}

fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// Dot files (a build manifest, what an editor left) are nobody's business.
fn hidden(path: &str) -> bool {
    path.split('/').any(|part| {
        part.starts_with('.')
            || part
                .get(..3)
                .is_some_and(|dot| dot.eq_ignore_ascii_case("%2e"))
    })
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|accept| accept.contains("text/html"))
}

fn found(status: StatusCode) -> bool {
    status.is_success()
        || matches!(
            status,
            StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE
        )
}

fn cached(response: impl IntoResponse, how: HeaderValue) -> Response {
    let mut response = response.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, how);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

fn uncached(response: impl IntoResponse) -> Response {
    let mut response = cached(response, NEVER);
    for name in [header::ACCEPT_RANGES, header::ETAG, header::LAST_MODIFIED] {
        response.headers_mut().remove(name);
    }
    response
}

fn nothing() -> Response {
    (
        StatusCode::NOT_FOUND,
        [(header::CACHE_CONTROL, NEVER)],
        "There is nothing at this address.\n",
    )
        .into_response()
}
