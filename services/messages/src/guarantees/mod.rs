//! The guarantees that messages gives, each tested by its number.

mod guarantee_1;
mod guarantee_2;
mod guarantee_3;
