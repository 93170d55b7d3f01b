//! What was observed, or why it could not be.

/// A fact about the world that may have been out of reach. "Unknown" is never
/// "empty": a plan made from an unknown fact takes no destructive step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Known<T> {
    /// The fact was read.
    Known(T),
    /// The fact could not be read; the text says why, for an operator.
    Unknown(String),
}

impl<T> Known<T> {
    /// The fact, if it was read.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(fact) => Some(fact),
            Self::Unknown(_) => None,
        }
    }
}
