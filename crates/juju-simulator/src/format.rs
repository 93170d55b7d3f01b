//! The output formats of hook tools: smart, yaml and Go's json (juju/cmd `output.go`).

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Smart,
    Yaml,
    Json,
}

impl Format {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "smart" => Some(Self::Smart),
            "yaml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    pub(crate) fn write(self, value: &Value) -> String {
        match self {
            Self::Json => format!("{}\n", json(value)),
            Self::Yaml => yaml(value),
            Self::Smart => smart(value),
        }
    }
}

/// Go's `json.Marshal`: sorted keys, no spaces, and the characters that matter
/// to HTML escaped. They can stand in strings only, so replacing them is safe.
pub(crate) fn json(value: &Value) -> String {
    let plain = value.to_string();
    let mut escaped = String::with_capacity(plain.len());
    for character in plain.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => escaped.push(other),
        }
    }
    escaped
}

fn yaml(value: &Value) -> String {
    if value.is_null() {
        return String::new();
    }
    let text = serde_yaml::to_string(value).unwrap_or_default();
    format!("{}\n", text.trim_end_matches('\n'))
}

fn smart(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.is_empty() => String::new(),
        Value::String(text) => format!("{text}\n"),
        Value::Bool(true) => "True\n".to_owned(),
        Value::Bool(false) => "False\n".to_owned(),
        Value::Array(items) if items.iter().all(Value::is_string) => items
            .iter()
            .filter_map(Value::as_str)
            .map(|item| format!("{item}\n"))
            .collect(),
        other => yaml(other),
    }
}

/// Go's `%q` for the texts that error messages repeat.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
