//! A refused body is read to its end, within bounds. Closing a connection on
//! a client that is still sending loses the answer that says why (RFC 9112,
//! section 9.6).

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use http_body_util::BodyExt;

/// Most that is read of a body that nobody wants (bytes).
const MOST: usize = 16 * 1024 * 1024;
/// Longest time that is spent on it.
const LONGEST: Duration = Duration::from_secs(2);

/// Lets the rest of an unwanted body pass.
pub(super) async fn linger(request: Request, next: Next) -> Response {
    let request = request.map(|body| Body::new(Lingering { inner: body }));
    next.run(request).await
}

struct Lingering {
    inner: Body,
}

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if !self.inner.is_end_stream() {
            let rest = std::mem::take(&mut self.inner);
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(tokio::time::timeout(LONGEST, discard(rest)));
            }
        }
    }
}

async fn discard(mut body: Body) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MOST {
            return;
        }
    }
}
