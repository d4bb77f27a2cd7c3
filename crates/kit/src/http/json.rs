//! axum's extractors with coded errors: the caller learns which field is
//! wrong, in the same shape as every other error.

use axum::extract::{
    FromRequest, FromRequestParts, Request,
    rejection::{JsonRejection, PathRejection, QueryRejection},
};
use http::request::Parts;
use plaza_types::{ApiError, Code};
use serde::de::DeserializeOwned;

use super::Reject;

/// A JSON body, in and out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Reject;
    async fn from_request(request: Request, state: &S) -> Result<Self, Reject> {
        axum::Json::<T>::from_request(request, state)
            .await
            .map(|body| Self(body.0))
            .map_err(|error| {
                Reject(match error {
                    JsonRejection::JsonDataError(error) => input(error.body_text()),
                    JsonRejection::JsonSyntaxError(_) => input("The body is not valid JSON."),
                    JsonRejection::MissingJsonContentType(_) => {
                        input("The body must be JSON: set content-type: application/json.")
                    }
                    JsonRejection::BytesRejection(_) => input("The body is too large."),
                    _ => input("The body cannot be read."),
                })
            })
    }
}

impl<T: serde::Serialize> axum::response::IntoResponse for Json<T> {
    fn into_response(self) -> axum::response::Response {
        axum::Json(self.0).into_response()
    }
}

/// The query string.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Reject;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Reject> {
        axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map(|query| Self(query.0))
            .map_err(|error: QueryRejection| Reject(input(error.body_text())))
    }
}

/// What the path names. A malformed id names nothing: NOT_FOUND.
#[derive(Debug, Clone, Copy, Default)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Reject;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Reject> {
        axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map(|path| Self(path.0))
            .map_err(|_: PathRejection| {
                Reject(ApiError::new(
                    Code::NotFound,
                    "There is nothing at this address.",
                ))
            })
    }
}

fn input(message: impl Into<String>) -> ApiError {
    ApiError::new(Code::BadUserInput, message)
}
