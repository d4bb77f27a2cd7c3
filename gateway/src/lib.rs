//! The GraphQL schema over the services, and the built SPA.
