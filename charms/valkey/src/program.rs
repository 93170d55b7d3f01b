//! Which Valkey runs here: the one of an archive that the operator attached, or
//! the distribution's.

mod archive;
mod choose;

pub use archive::{ArchiveError, remove_other_programs};
pub use choose::{Ask, Chosen, ensure, forget_asked};
