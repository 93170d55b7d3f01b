//! What a stand-in and its machine say to each other: lists of texts, each with its length before it.

use std::io::{self, Read, Write};

/// The variable by which a stand-in finds its machine.
pub(crate) const SOCKET_VARIABLE: &str = "SIMULATED_MACHINE_SOCKET";

/// No list or text of these commands is nearly as long; a longer one is a mistake in framing.
const LIMIT: u32 = 1 << 24;

/// What a command prints and how it ends.
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

    pub(crate) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        write_texts(to, &[&self.code.to_string(), &self.stdout, &self.stderr])
    }

    pub(crate) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut texts = read_texts(from)?.into_iter();
        let (Some(code), Some(stdout), Some(stderr)) = (texts.next(), texts.next(), texts.next())
        else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let code = code.parse().map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(Self {
            code,
            stdout,
            stderr,
        })
    }
}

pub(crate) fn write_texts<T: AsRef<str>>(to: &mut impl Write, texts: &[T]) -> io::Result<()> {
    let mut message = length(texts.len())?.to_vec();
    for text in texts {
        message.extend(length(text.as_ref().len())?);
        message.extend(text.as_ref().as_bytes());
    }
    to.write_all(&message)
}

pub(crate) fn read_texts(from: &mut impl Read) -> io::Result<Vec<String>> {
    let count = read_length(from)?;
    (0..count)
        .map(|_| {
            let mut text = vec![0; read_length(from)? as usize];
            from.read_exact(&mut text)?;
            String::from_utf8(text).map_err(|_| io::ErrorKind::InvalidData.into())
        })
        .collect()
}

fn length(of: usize) -> io::Result<[u8; 4]> {
    match u32::try_from(of) {
        Ok(length) if length <= LIMIT => Ok(length.to_le_bytes()),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

fn read_length(from: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    let length = u32::from_le_bytes(bytes);
    if length > LIMIT {
        Err(io::ErrorKind::InvalidData.into())
    } else {
        Ok(length)
    }
}
