//! The operator of Plaza: one [`api::ChatDeployment`] says what a chat is to
//! be, and the controller keeps every object of it.
//!
//! A field goes through four places: its type and comment in [`api`], its rules
//! in [`validate`], what becomes of it in [`build`], and a snapshot there. An
//! object of a new kind is one more field of [`build::Resources`], which does
//! not compile until it is applied, watched and removed too.

pub mod api;
pub mod build;
pub mod component;
pub mod controller;
pub mod facts;
pub mod generate;
mod hash;
mod run;
mod scaling;
#[cfg(test)]
mod testing;
pub mod validate;
pub mod version;

pub use run::{OperatorArgs, run};
