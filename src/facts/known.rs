//! What was observed, or why it could not be.

/// A fact about the world that may have been out of reach. "Unknown" is never
/// "empty": a plan made from an unknown fact takes no destructive step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Known<T, Reason> {
    /// The fact was read.
    Known(T),
    /// The fact could not be read, and why.
    Unknown(Reason),
}

impl<T, Reason> Known<T, Reason> {
    /// The fact, if it was read.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(fact) => Some(fact),
            Self::Unknown(_) => None,
        }
    }
}
