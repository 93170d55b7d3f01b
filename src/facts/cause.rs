//! What an error has said, where the error itself does not outlive its call.

use std::error::Error;
use std::fmt;

use juju_hooks::chain;

/// An error and its causes in one line, in the words of whoever failed: etcd, a
/// command, the system. Only an error makes one, so it never stands for a decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cause(String);

impl Cause {
    /// What this error says, and those that it comes from.
    pub fn of(error: &dyn Error) -> Self {
        Self(chain(error))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to ask")]
    struct Asking(#[source] fmt::Error);

    #[test]
    fn an_error_is_told_with_what_it_comes_from() {
        let text = format!("failed to ask: {}", fmt::Error);
        assert_eq!(Cause::of(&Asking(fmt::Error)).to_string(), text);
    }
}
