//! The requirer's side: what is asked for, and what came of it.
//!
//! An answer is one value, [`Answer`], which is ready only when all of it is
//! there; what has changed is told by comparing two of them.

mod answer;
mod request;
#[cfg(test)]
mod tests;

pub use answer::{Access, Answer, Change, Missing};
pub use request::{OwnRequest, changes, salt, write};
