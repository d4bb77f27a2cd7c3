//! Rooms, members and discovery.
