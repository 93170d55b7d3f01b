//! RESP2, the protocol of Valkey: a command is an array of texts, and an answer
//! is one value. Answers are bounded in size and depth, whoever sends them.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _};

/// More than the access list of ten thousand users.
const LARGEST: usize = 32 << 20;

/// Answers of the commands that we use are arrays within arrays, fewer than these.
const DEEPEST: u8 = 12;

/// One value of an answer. Texts that are no UTF-8 have the odd bytes replaced.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// Several values.
    Array(Vec<Self>),
    /// The server refuses, in its own words.
    Error(String),
    /// A number.
    Integer(i64),
    /// No value.
    Nil,
    /// A text.
    Text(String),
}

impl Value {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Array(_) | Self::Error(_) | Self::Integer(_) | Self::Nil => None,
        }
    }

    /// The values of an array; of anything else, none.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            Self::Error(_) | Self::Integer(_) | Self::Nil | Self::Text(_) => &[],
        }
    }

    /// The texts of an array, in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.items().iter().filter_map(Self::text)
    }

    /// The value beside a key, in an array of keys and values.
    pub fn field(&self, key: &str) -> Option<&Self> {
        let mut pairs = self.items().chunks_exact(2);
        pairs.find_map(|pair| (pair[0].text() == Some(key)).then_some(&pair[1]))
    }
}

/// A command as it is sent.
pub(super) fn command(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend(word.as_bytes());
        bytes.extend(b"\r\n");
    }
    bytes
}

/// Reads one value.
pub(super) async fn read<R>(from: &mut R) -> io::Result<Value>
where
    R: tokio::io::AsyncBufRead + Unpin + Send,
{
    let mut budget = LARGEST;
    read_value(from, &mut budget, DEEPEST).await
}

async fn read_value<R>(from: &mut R, budget: &mut usize, depth: u8) -> io::Result<Value>
where
    R: tokio::io::AsyncBufRead + Unpin + Send,
{
    let line = read_line(from, budget).await?;
    let (kind, rest) = line.split_at_checked(1).ok_or_else(garbled)?;
    let number = || rest.parse::<i64>().map_err(|_| garbled());
    Ok(match kind {
        "+" => Value::Text(rest.to_owned()),
        "-" => Value::Error(rest.to_owned()),
        ":" => Value::Integer(number()?),
        "$" => match usize::try_from(number()?) {
            Err(_) => Value::Nil,
            Ok(length) => Value::Text(read_bulk(from, length, budget).await?),
        },
        "*" => match usize::try_from(number()?) {
            Err(_) => Value::Nil,
            Ok(_) if depth == 0 => return Err(garbled()),
            Ok(count) => {
                let mut items = Vec::new();
                for _ in 0..count {
                    items.push(Box::pin(read_value(from, budget, depth - 1)).await?);
                }
                Value::Array(items)
            }
        },
        _ => return Err(garbled()),
    })
}

async fn read_line<R>(from: &mut R, budget: &mut usize) -> io::Result<String>
where
    R: tokio::io::AsyncBufRead + Unpin + Send,
{
    let mut bytes = Vec::new();
    // A line without an end is cut by the limit, and then has no end.
    let limit = u64::try_from(*budget).unwrap_or(u64::MAX);
    (&mut *from)
        .take(limit)
        .read_until(b'\n', &mut bytes)
        .await?;
    spend(budget, bytes.len())?;
    let line = bytes
        .strip_suffix(b"\r\n")
        .ok_or_else(|| match bytes.is_empty() {
            true => io::ErrorKind::UnexpectedEof.into(),
            false => garbled(),
        })?;
    Ok(String::from_utf8_lossy(line).into_owned())
}

async fn read_bulk<R>(from: &mut R, length: usize, budget: &mut usize) -> io::Result<String>
where
    R: tokio::io::AsyncBufRead + Unpin + Send,
{
    spend(budget, length)?;
    let mut bytes = vec![0; length + 2];
    from.read_exact(&mut bytes).await?;
    let text = bytes.strip_suffix(b"\r\n").ok_or_else(garbled)?;
    Ok(String::from_utf8_lossy(text).into_owned())
}

fn spend(budget: &mut usize, bytes: usize) -> io::Result<()> {
    *budget = budget
        .checked_sub(bytes.saturating_add(2))
        .ok_or_else(garbled)?;
    Ok(())
}

fn garbled() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> io::Result<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let mut bytes = bytes;
        runtime.expect("a runtime").block_on(read(&mut bytes))
    }

    #[test]
    fn a_command_is_an_array_of_texts() {
        let expected = b"*2\r\n$3\r\nGET\r\n$5\r\na b\r\n\r\n";
        assert_eq!(command(&["GET", "a b\r\n"]), expected);
    }

    #[test]
    fn values_are_read() {
        let value = parse(b"*5\r\n$1\r\na\r\n:-7\r\n+OK\r\n$-1\r\n*1\r\n-ERR no\r\n");
        let inner = Value::Array(vec![Value::Error("ERR no".to_owned())]);
        let expected = vec![
            Value::Text("a".to_owned()),
            Value::Integer(-7),
            Value::Text("OK".to_owned()),
            Value::Nil,
            inner,
        ];
        assert_eq!(value.expect("a value"), Value::Array(expected));
    }

    #[test]
    fn what_is_cut_odd_or_too_much_is_refused() {
        let deep = "*1\r\n".repeat(20);
        for bytes in [
            "",
            "+OK",
            "+OK\n",
            "?\r\n",
            "\r\n",
            "$3\r\nab\r\n",
            "$3\r\nabcd\r\n",
            "$99999999999\r\n",
            "*99999999999\r\n:1\r\n",
            ":x\r\n",
            &deep,
        ] {
            assert!(parse(bytes.as_bytes()).is_err(), "{bytes}");
        }
    }

    #[test]
    fn a_field_stands_beside_its_key() {
        let value = parse(b"*4\r\n+a\r\n+1\r\n+b\r\n+2\r\n").expect("a value");
        assert_eq!(value.field("b").and_then(Value::text), Some("2"));
        assert_eq!(value.field("2"), None);
    }
}
