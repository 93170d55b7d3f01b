//! How a hook tool and the model talk: one request and one reply, each a row of
//! fields with a length of four bytes before each. A tool has to start and end
//! in a blink, so there is no format here that wants a parser.

use std::io::{self, Read, Write};

/// What a hook tool sends.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) context: String,
    pub(crate) tool: String,
    pub(crate) directory: String,
    pub(crate) stdin: Option<Vec<u8>>,
    pub(crate) args: Vec<String>,
}

/// What it prints and how it ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

fn put(buffer: &mut Vec<u8>, field: &[u8]) {
    let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(field);
}

fn take(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u64::from(u32::from_be_bytes(length));
    let mut field = Vec::new();
    stream.take(length).read_to_end(&mut field)?;
    if field.len() as u64 == length {
        Ok(field)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn take_text(stream: &mut impl Read) -> io::Result<String> {
    String::from_utf8(take(stream)?).map_err(|_| io::ErrorKind::InvalidData.into())
}

impl Request {
    pub(crate) fn send(&self, stream: &mut impl Write) -> io::Result<()> {
        let mut buffer = Vec::new();
        put(&mut buffer, self.context.as_bytes());
        put(&mut buffer, self.tool.as_bytes());
        put(&mut buffer, self.directory.as_bytes());
        put(&mut buffer, if self.stdin.is_some() { b"1" } else { b"" });
        put(&mut buffer, self.stdin.as_deref().unwrap_or_default());
        put(&mut buffer, self.args.len().to_string().as_bytes());
        for arg in &self.args {
            put(&mut buffer, arg.as_bytes());
        }
        stream.write_all(&buffer)
    }

    pub(crate) fn receive(stream: &mut impl Read) -> io::Result<Self> {
        let (context, tool, directory) =
            (take_text(stream)?, take_text(stream)?, take_text(stream)?);
        let given = !take(stream)?.is_empty();
        let stdin = take(stream)?;
        let count: usize = take_text(stream)?
            .parse()
            .map_err(|_| io::ErrorKind::InvalidData)?;
        let args = (0..count)
            .map(|_| take_text(stream))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            context,
            tool,
            directory,
            stdin: given.then_some(stdin),
            args,
        })
    }
}

impl Reply {
    pub(crate) fn send(&self, stream: &mut impl Write) -> io::Result<()> {
        let mut buffer = Vec::new();
        put(&mut buffer, self.code.to_string().as_bytes());
        put(&mut buffer, &self.stdout);
        put(&mut buffer, &self.stderr);
        stream.write_all(&buffer)
    }

    pub(crate) fn receive(stream: &mut impl Read) -> io::Result<Self> {
        let code = take_text(stream)?
            .parse()
            .map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(Self {
            code,
            stdout: take(stream)?,
            stderr: take(stream)?,
        })
    }
}
