//! Errors as a log and a status have them: in one line, with what they come from.

use std::error::Error;

/// An error and its causes, each after a colon.
pub fn chain(error: &dyn Error) -> String {
    joined(error, |_, _| false)
}

/// The same without the causes that the text ends with already: some libraries repeat
/// them in their own words.
pub fn chain_once(error: &dyn Error) -> String {
    joined(error, |text, cause| text.ends_with(cause))
}

fn joined(error: &dyn Error, is_told: impl Fn(&str, &str) -> bool) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |cause| (*cause).source()) {
        let cause = cause.to_string();
        if !is_told(&text, &cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Repeated(fmt::Error);

    impl fmt::Display for Repeated {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "failed to ask: {}", self.0)
        }
    }

    impl Error for Repeated {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_cause_stands_after_a_colon_and_where_that_is_wanted_once() {
        let (error, cause) = (Repeated(fmt::Error), fmt::Error);
        assert_eq!(chain_once(&error), format!("failed to ask: {cause}"));
        assert_eq!(chain(&error), format!("failed to ask: {cause}: {cause}"));
        assert_eq!(chain(&cause), cause.to_string());
    }
}
