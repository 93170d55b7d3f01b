//! Views of the world: as an operator, a client or an auditor would see it.

pub(crate) mod counts;
pub(crate) mod databags;
pub(crate) mod status;
