//! Which images run.

use crate::{api::ChatDeploymentSpec, version::Version};

use super::Settings;

/// The version of Centrifugo that Plaza is tested with.
const CENTRIFUGO: &str = "6.9.1";
/// The tag of PostgreSQL's image.
const POSTGRES: &str = "15";
/// The tag of Redis' image.
const REDIS: &str = "7.0";

/// Whole names of images.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ImageNames {
    /// Plaza.
    pub plaza: String,
    /// Centrifugo.
    pub centrifugo: String,
    /// PostgreSQL.
    pub postgres: String,
    /// Redis.
    pub redis: String,
}

impl ImageNames {
    pub(super) fn of(spec: &ChatDeploymentSpec, version: &Version, settings: &Settings) -> Self {
        let image = &spec.image;
        let registry = image.registry.as_ref().unwrap_or(&settings.image_registry);
        let name = |own: &Option<String>, name: &str, tag: &str| {
            own.clone()
                .unwrap_or_else(|| format!("{registry}/{name}:{tag}"))
        };
        Self {
            plaza: name(&image.plaza, "plaza", &version.to_string()),
            centrifugo: name(&image.centrifugo, "centrifugo", CENTRIFUGO),
            postgres: name(&image.postgres, "plaza-postgres", POSTGRES),
            redis: name(&image.redis, "plaza-redis", REDIS),
        }
    }
}
