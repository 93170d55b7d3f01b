//! A value that must not be shown: see [`Secret`].

use std::fmt;

/// A value that no log line, error text or `Debug` output may show. There is
/// no `Display` on purpose; [`Secret::expose`] marks every place that really
/// needs the content.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value so that it cannot be printed by accident.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the one place that must have it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_content() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }
}
