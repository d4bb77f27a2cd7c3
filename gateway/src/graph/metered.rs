//! Charges each operation with its computed complexity, before any resolver runs.

use std::sync::Arc;

use async_graphql::{
    ServerError, ValidationResult,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation},
};

use super::RequestContext;

/// For the schema's builder.
pub(super) struct Metered;

impl ExtensionFactory for Metered {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Metered {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await?;
        if let Some(request) = ctx.data_opt::<RequestContext>() {
            request.charge(result.complexity).map_err(|error| {
                vec![ServerError {
                    source: Some(Arc::new(error.clone())),
                    ..ServerError::new(error.message, None)
                }]
            })?;
        }
        Ok(result)
    }
}
