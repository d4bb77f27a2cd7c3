//! Environment variables that the spec may not set.

use crate::{build, component::Component};

use super::{Problem, Reason, Validated};

/// Beginnings of Centrifugo's settings that its configuration file has.
const OF_CENTRIFUGO: [&str; 6] = [
    "CENTRIFUGO_HTTP_SERVER_",
    "CENTRIFUGO_HTTP_API_",
    "CENTRIFUGO_ENGINE_",
    "CENTRIFUGO_CHANNEL_",
    "CENTRIFUGO_CLIENT_TOKEN_",
    "CENTRIFUGO_CLIENT_SUBSCRIPTION_TOKEN_",
];

/// One problem for each variable of the spec that the operator sets itself.
pub(super) fn reserved(validated: &Validated) -> Vec<Problem> {
    let mut problems = Vec::new();
    for component in validated.components() {
        let own = build::variables(validated, component);
        for variable in &build::component_spec(&validated.spec, component).env {
            let name = &variable.name;
            let taken = own.contains(name)
                || (component == Component::Centrifugo
                    && OF_CENTRIFUGO.iter().any(|begin| name.starts_with(begin)));
            if taken {
                let field = format!("spec.{component}.env");
                problems.push(Problem::new(
                    &field,
                    Reason::InvalidSpec,
                    format!("{field} sets {name}, which the operator sets itself: remove it"),
                ));
            }
        }
    }
    problems
}
