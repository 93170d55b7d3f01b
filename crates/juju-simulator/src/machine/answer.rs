//! What a command prints and how it ends.

use crate::wire::Reply;

/// The answer to one command, made of those to its steps.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) code: u8,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    pub(crate) fn silence() -> Self {
        Self::default()
    }

    pub(crate) fn line(text: impl AsRef<str>) -> Self {
        Self {
            stdout: format!("{}\n", text.as_ref()),
            ..Self::default()
        }
    }

    pub(crate) fn error(code: u8, text: impl AsRef<str>) -> Self {
        Self {
            code,
            stderr: format!("{}\n", text.as_ref()),
            ..Self::default()
        }
    }

    pub(crate) fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Adds what a further step of the same command says; the first failure decides the exit code.
    pub(crate) fn and(mut self, further: &Self) -> Self {
        self.stdout.push_str(&further.stdout);
        self.stderr.push_str(&further.stderr);
        if self.code == 0 {
            self.code = further.code;
        }
        self
    }

    pub(crate) fn into_reply(self) -> Reply {
        Reply {
            code: self.code.into(),
            stdout: self.stdout.into_bytes(),
            stderr: self.stderr.into_bytes(),
        }
    }
}
