//! Paths that stand in files which others read.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A path that any file of ours can hold as a text: UTF-8, without a character that
/// would end a line of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FilePath(String);

/// An operator gave a place that the format of no file of ours has words for.
#[derive(Debug, Error)]
#[error("failed to write down the path {0:?}: it is not UTF-8, or has a control character")]
pub struct UnwritablePath(PathBuf);

impl FilePath {
    /// The path as a text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl TryFrom<&Path> for FilePath {
    type Error = UnwritablePath;

    fn try_from(path: &Path) -> Result<Self, UnwritablePath> {
        path.to_str()
            .filter(|text| !text.chars().any(char::is_control))
            .map(|text| Self(text.to_owned()))
            .ok_or_else(|| UnwritablePath(path.to_owned()))
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_begin_another_line() {
        let path = |text: &str| FilePath::try_from(Path::new(text));
        for text in ["/srv/data", "/srv/a: b # c", "/100%/$HOME", "/srv/ä"] {
            assert_eq!(path(text).expect("a path").as_str(), text);
        }
        for text in ["/srv\nforce-new-cluster: true", "/srv/a\rb", "/srv/\u{85}"] {
            assert!(path(text).is_err(), "{text:?}");
        }
    }
}
