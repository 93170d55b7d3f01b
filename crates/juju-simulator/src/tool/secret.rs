//! What the secret tools share: keys, values, policies, and finding a secret.

use std::path::Path;

use super::ToolError;
use crate::args::Parsed;
use crate::base64;
use crate::format::quote;
use crate::secret::{Content, SecretUri};

/// After base64, for each value and for all of them together.
const MAX_BYTES: usize = 1_000_000;

/// `core/secrets`: `^([a-z](?:-?[a-z0-9]){2,})$`.
pub(crate) fn is_key(key: &str) -> bool {
    let plain = key.bytes().filter(|byte| *byte != b'-').count();
    let allowed = key
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let starts = key
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase());
    starts && allowed && plain >= 3 && !key.contains("--") && !key.ends_with('-')
}

fn not_valid(what: &str) -> ToolError {
    ToolError::usage(format!("{what} not valid"))
}

/// The content of `key=value`, `key#base64=value`, `key#file=path` and `--file`.
/// Files are opened by the agent, as in Juju.
pub(super) fn content(parsed: &Parsed, args: &[String]) -> Result<Content, ToolError> {
    let mut content = Content::new();
    if let Some(file) = parsed.flag("file") {
        let text = std::fs::read_to_string(file)
            .map_err(|_| ToolError::usage(format!("open {file}: no such file or directory")))?;
        for (key, value) in
            super::yaml_strings(&text).map_err(|error| ToolError::usage(error.text))?
        {
            insert(&mut content, &key, value.into_bytes())?;
        }
    }
    for arg in args {
        let pair = arg.split_once('=').filter(|(key, _)| !key.is_empty());
        let Some((key, value)) = pair else {
            return Err(not_valid(&format!("key value {}", quote(arg))));
        };
        let (key, bytes) = match key.split_once('#') {
            Some((key, "file")) => (key, file_content(value)?),
            _ => (key, value.as_bytes().to_vec()),
        };
        insert(&mut content, key, bytes)?;
    }
    let total: usize = content
        .values()
        .map(|value| base64::length(value.len()))
        .sum();
    if total > MAX_BYTES {
        return Err(ToolError::usage(format!(
            "base64 encoded secret content too large: {total} bytes"
        )));
    }
    Ok(content)
}

fn insert(content: &mut Content, key: &str, bytes: Vec<u8>) -> Result<(), ToolError> {
    let (key, bytes) = match key.strip_suffix("#base64") {
        Some(key) => (
            key,
            base64::decode(&bytes)
                .ok_or_else(|| not_valid(&format!("base64 value of key {}", quote(key))))?,
        ),
        None => (key, bytes),
    };
    if !is_key(key) {
        return Err(not_valid(&format!("key {}", quote(key))));
    }
    if bytes.is_empty() {
        return Err(not_valid("empty secret value"));
    }
    let length = base64::length(bytes.len());
    if length > MAX_BYTES {
        let text = format!(
            "base64 encoded secret content for key {} too large: {length} bytes",
            quote(key)
        );
        return Err(ToolError::usage(text));
    }
    content.insert(key.to_owned(), bytes);
    Ok(())
}

fn file_content(file: &str) -> Result<Vec<u8>, ToolError> {
    let path = Path::new(file);
    let missing = |_| ToolError::usage(format!("open {file}: no such file or directory"));
    if std::fs::metadata(path).map_err(missing)?.len() > MAX_BYTES as u64 {
        return Err(ToolError::usage(format!(
            "secret content in file {} too large",
            quote(file)
        )));
    }
    std::fs::read(path).map_err(missing)
}

pub(super) fn uri(text: Option<&String>) -> Result<SecretUri, ToolError> {
    let Some(text) = text else {
        return Err(ToolError::usage("missing secret URI"));
    };
    SecretUri::parse(text).ok_or_else(|| not_valid(&format!("secret URI {}", quote(text))))
}

/// Checks `--rotate`, `--expire` and `--owner`.
pub(super) fn check_policies(parsed: &Parsed) -> Result<(), ToolError> {
    const ROTATE: [&str; 7] = [
        "never",
        "hourly",
        "daily",
        "weekly",
        "monthly",
        "quarterly",
        "yearly",
    ];
    if let Some(rotate) = parsed
        .flag("rotate")
        .filter(|rotate| !ROTATE.contains(rotate))
    {
        return Err(not_valid(&format!("rotate policy {}", quote(rotate))));
    }
    if let Some(owner) = parsed
        .flag("owner")
        .filter(|owner| !["application", "unit"].contains(owner))
    {
        return Err(not_valid(&format!("secret owner {}", quote(owner))));
    }
    let Some(expire) = parsed.flag("expire") else {
        return Ok(());
    };
    if is_duration(expire.trim_start_matches('-')) {
        return match expire.strip_prefix('-') {
            Some(_) => Err(not_valid(&format!(
                "negative expire duration {}",
                quote(expire)
            ))),
            None => Ok(()),
        };
    }
    if is_time(expire) {
        Ok(())
    } else {
        Err(not_valid(&format!(
            "expire time or duration {}",
            quote(expire)
        )))
    }
}

/// A duration in Go's form, such as `1h30m`.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    let mut parts = 0;
    while !rest.is_empty() {
        let number = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let unit = ["ns", "us", "µs", "ms", "s", "m", "h"]
            .iter()
            .filter(|unit| number.starts_with(**unit))
            .max_by_key(|u| u.len());
        let (true, Some(unit)) = (number.len() < rest.len(), unit) else {
            return false;
        };
        rest = &number[unit.len()..];
        parts += 1;
    }
    parts > 0
}

/// RFC 3339, or the same without a zone.
fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let zone = shape.strip_prefix("0000-00-00T00:00:00");
    zone.is_some_and(|zone| {
        ["", "Z", "+00:00", "-00:00"].contains(&zone)
            || (zone.starts_with('.') && zone.ends_with('Z'))
    })
}
