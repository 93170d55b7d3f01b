//! What a client may ask for: the keys and channels that begin with a certain
//! text, one single key, or all of them.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The longest pattern.
const MAX_BYTES: usize = 512;

/// Keys and channels: `name:*` is all that begin with `name:`, `name` is one,
/// `*` is all.
///
/// Valkey's own patterns can do more. Of two of those nobody can say whether
/// they meet, so there is no more here.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Pattern {
    literal: String,
    star: bool,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, Eq, Error, Ord, PartialEq, PartialOrd)]
pub enum InvalidPattern {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// A character that patterns of Valkey give a meaning of its own.
    #[error("only one * at its end may stand for other characters, and no ? [ ] \\")]
    Glob,
    /// It is very long.
    #[error("it is longer than {MAX_BYTES} bytes")]
    Long,
    /// White space, or something that is no character.
    #[error("white space or a control character is in it")]
    Space,
}

impl Pattern {
    /// Whether it is for all keys of all clients.
    pub fn is_everything(&self) -> bool {
        self.star && self.literal.is_empty()
    }

    /// Whether it is for one key alone, which often is not what was meant.
    pub fn is_single(&self) -> bool {
        !self.star
    }

    /// Whether there can be a key that belongs to both.
    pub fn meets(&self, other: &Self) -> bool {
        match (self.star, other.star) {
            (false, false) => self.literal == other.literal,
            (true, false) => other.literal.starts_with(&self.literal),
            (false, true) => self.literal.starts_with(&other.literal),
            (true, true) => {
                self.literal.starts_with(&other.literal) || other.literal.starts_with(&self.literal)
            }
        }
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        if text.is_empty() {
            return Err(InvalidPattern::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(InvalidPattern::Long);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(InvalidPattern::Space);
        }
        let (literal, star) = match text.strip_suffix('*') {
            Some(literal) => (literal, true),
            None => (text, false),
        };
        if literal.contains(['*', '?', '[', ']', '\\']) {
            return Err(InvalidPattern::Glob);
        }
        Ok(Self {
            literal: literal.to_owned(),
            star,
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.literal)?;
        f.write_str(if self.star { "*" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().expect("a pattern")
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_its_reason() {
        let long = "x".repeat(MAX_BYTES + 1);
        for (text, reason) in [
            ("", InvalidPattern::Empty),
            ("a:* +@all", InvalidPattern::Space),
            ("a:*\nuser x on nopass ~* +@all", InvalidPattern::Space),
            ("a\tb", InvalidPattern::Space),
            ("a\0", InvalidPattern::Space),
            ("a\u{a0}b", InvalidPattern::Space),
            ("a\u{2028}b", InvalidPattern::Space),
            ("a\u{7f}", InvalidPattern::Space),
            ("[a", InvalidPattern::Glob),
            ("a]", InvalidPattern::Glob),
            ("a?", InvalidPattern::Glob),
            ("a\\", InvalidPattern::Glob),
            ("a*b", InvalidPattern::Glob),
            ("**", InvalidPattern::Glob),
            (&long, InvalidPattern::Long),
        ] {
            assert_eq!(text.parse::<Pattern>(), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn a_pattern_is_written_as_it_was_read() {
        for text in ["*", "a", "a:*", "ä:*", "a+b,c\"'{}", "~&%#*"] {
            assert_eq!(pattern(text).to_string(), text);
        }
        assert!(pattern("*").is_everything() && !pattern("a*").is_everything());
        assert!(pattern("a").is_single() && !pattern("a*").is_single());
    }

    #[test]
    fn patterns_meet_where_a_key_belongs_to_both() {
        for (one, other, meet) in [
            ("a:*", "b:*", false),
            ("a:*", "a:b:*", true),
            ("a*", "ab", true),
            ("a:*", "a", false),
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "a", true),
            ("*", "*", true),
        ] {
            assert_eq!(pattern(one).meets(&pattern(other)), meet, "{one} {other}");
            assert_eq!(pattern(other).meets(&pattern(one)), meet, "{other} {one}");
        }
    }
}
