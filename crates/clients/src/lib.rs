//! Typed clients of the internal HTTP APIs and the shapes that travel on them.
