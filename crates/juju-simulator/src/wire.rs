//! How a stand-in talks to the simulator: one list of fields and one reply, each field with its length of four bytes
//! before it. A hook tool has to start and end in a blink, so there is no format here that wants a parser.

use std::io::{self, Read, Write};

/// No list or field of a command is nearly as long; a longer one is a mistake in framing.
const LIMIT: u32 = 1 << 26;

/// What a hook tool sends.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) context: String,
    pub(crate) tool: String,
    pub(crate) directory: String,
    pub(crate) stdin: Option<Vec<u8>>,
    pub(crate) args: Vec<String>,
}

/// What a hook tool or a command prints and how it ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Request {
    pub(crate) fn send(&self, stream: &mut impl Write) -> io::Result<()> {
        let mut fields = vec![
            self.context.as_bytes(),
            self.tool.as_bytes(),
            self.directory.as_bytes(),
            if self.stdin.is_some() { b"1" } else { b"" },
            self.stdin.as_deref().unwrap_or_default(),
        ];
        fields.extend(self.args.iter().map(String::as_bytes));
        write_fields(stream, &fields)
    }

    pub(crate) fn receive(stream: &mut impl Read) -> io::Result<Self> {
        let mut fields = read_fields(stream)?.into_iter();
        let mut next = || fields.next().ok_or(io::ErrorKind::InvalidData);
        let (context, tool, directory) = (text(next()?)?, text(next()?)?, text(next()?)?);
        let (given, stdin) = (!next()?.is_empty(), next()?);
        Ok(Self {
            context,
            tool,
            directory,
            stdin: given.then_some(stdin),
            args: fields.map(text).collect::<io::Result<_>>()?,
        })
    }
}

impl Reply {
    pub(crate) fn send(&self, stream: &mut impl Write) -> io::Result<()> {
        let code = self.code.to_string();
        write_fields(stream, &[code.as_bytes(), &self.stdout, &self.stderr])
    }

    pub(crate) fn receive(stream: &mut impl Read) -> io::Result<Self> {
        let mut fields = read_fields(stream)?.into_iter();
        let mut next = || fields.next().ok_or(io::ErrorKind::InvalidData);
        let code = text(next()?)?.parse();
        Ok(Self {
            code: code.map_err(|_| io::ErrorKind::InvalidData)?,
            stdout: next()?,
            stderr: next()?,
        })
    }
}

/// Writes a list of fields in one go.
pub(crate) fn write_fields(stream: &mut impl Write, fields: &[&[u8]]) -> io::Result<()> {
    let mut message = length(fields.len())?.to_vec();
    for field in fields {
        message.extend(length(field.len())?);
        message.extend_from_slice(field);
    }
    stream.write_all(&message)
}

/// Reads what [`write_fields`] wrote.
pub(crate) fn read_fields(stream: &mut impl Read) -> io::Result<Vec<Vec<u8>>> {
    let count = read_length(stream)?;
    (0..count)
        .map(|_| {
            let mut field = vec![0; read_length(stream)? as usize];
            stream.read_exact(&mut field).map(|()| field)
        })
        .collect()
}

/// A field that is a text.
pub(crate) fn text(field: Vec<u8>) -> io::Result<String> {
    String::from_utf8(field).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn length(of: usize) -> io::Result<[u8; 4]> {
    match u32::try_from(of) {
        Ok(length) if length <= LIMIT => Ok(length.to_be_bytes()),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

fn read_length(stream: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    match u32::from_be_bytes(bytes) {
        length if length <= LIMIT => Ok(length),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
