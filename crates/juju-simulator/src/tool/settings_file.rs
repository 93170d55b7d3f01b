//! The settings that `--file` brings.

use super::ToolError;
use crate::args::Parsed;
use crate::wire::Request;

/// The settings of `--file`: YAML of strings, first document only, not trimmed.
pub(super) fn settings_file(
    request: &Request,
    parsed: &Parsed,
) -> Result<Vec<(String, String)>, ToolError> {
    let Some(file) = parsed.flag("file") else {
        return Ok(Vec::new());
    };
    let text = if file == "-" {
        let stdin = request
            .stdin
            .clone()
            .ok_or_else(|| ToolError::run("hook tool requires stdin, none supplied"))?;
        String::from_utf8(stdin).map_err(|error| ToolError::run(error.to_string()))?
    } else {
        let path = std::path::Path::new(&request.directory).join(file);
        std::fs::read_to_string(path)
            .map_err(|_| ToolError::run(format!("open {file}: no such file or directory")))?
    };
    yaml_strings(&text)
}

pub(super) fn yaml_strings(text: &str) -> Result<Vec<(String, String)>, ToolError> {
    use serde_yaml::Value as Yaml;
    let Some(document) = serde_yaml::Deserializer::from_str(text).next() else {
        return Ok(Vec::new());
    };
    let value: Yaml = serde::de::Deserialize::deserialize(document)
        .map_err(|error| ToolError::run(format!("yaml: {error}")))?;
    let refuse = |kind: &str, target: &str| {
        ToolError::run(format!(
            "yaml: unmarshal errors:\n  line 1: cannot unmarshal {kind} into {target}"
        ))
    };
    let map = match value {
        Yaml::Null => return Ok(Vec::new()),
        Yaml::Mapping(map) => map,
        Yaml::Sequence(_) => return Err(refuse("!!seq", "map[string]string")),
        other => {
            let shown = scalar(&other).unwrap_or_default();
            return Err(refuse(&format!("!!str `{shown}`"), "map[string]string"));
        }
    };
    map.iter()
        .map(|(key, value)| {
            let key = scalar(key).ok_or_else(|| refuse("!!map", "string"))?;
            let value = scalar(value).ok_or_else(|| refuse("!!map", "string"))?;
            Ok((key, value))
        })
        .collect()
}

fn scalar(value: &serde_yaml::Value) -> Option<String> {
    match value {
        serde_yaml::Value::Null => Some(String::new()),
        serde_yaml::Value::Bool(value) => Some(value.to_string()),
        serde_yaml::Value::Number(value) => Some(value.to_string()),
        serde_yaml::Value::String(value) => Some(value.clone()),
        _ => None,
    }
}
