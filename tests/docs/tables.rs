//! Tables in Markdown, made from the metadata.

use serde_json::Value;

use crate::metadata::{Metadata, is_required, parameters};

/// What makes a table.
type Table = fn(&Metadata) -> String;

/// All tables, by the names that documents call them.
pub(crate) const ALL: [(&str, Table); 5] = [
    ("actions", actions),
    ("endpoints", endpoints),
    ("options", options),
    ("resources", resources),
    ("storage", storage),
];

const BEGIN: &str = "<!-- table: ";
const END: &str = "<!-- end -->";

pub(crate) fn table(name: &str, metadata: &Metadata) -> String {
    let found = ALL.iter().find(|(other, _)| *other == name);
    let (_, table) = found.unwrap_or_else(|| panic!("there is no table of {name}"));
    table(metadata)
}

/// The text with each of its tables made anew.
pub(crate) fn replaced(text: &str, mut table: impl FnMut(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once(" -->\n").expect("a name of a table");
        let (_, after) = after.split_once(END).expect("the end of a table");
        out.push_str(&format!(
            "{before}{BEGIN}{name} -->\n\n{}\n{END}",
            table(name)
        ));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn actions(metadata: &Metadata) -> String {
    let mut out = "| Action | Parameters | |\n|---|---|---|\n".to_owned();
    for (name, action) in metadata.actions() {
        let shown: Vec<_> = parameters(action)
            .map(|(parameter, of)| match &of["default"] {
                _ if is_required(action, parameter) => format!("**`{parameter}`**"),
                Value::Null => format!("`{parameter}`"),
                Value::String(text) if text.is_empty() => format!("`{parameter}`"),
                default => format!("`{parameter}={}`", plain(default)),
            })
            .collect();
        let summary = summary(&action["description"]);
        out.push_str(&format!(
            "| `{name}` | {} | {summary} |\n",
            shown.join(", ")
        ));
    }
    out
}

fn options(metadata: &Metadata) -> String {
    let mut out = "| Option | Default | |\n|---|---|---|\n".to_owned();
    for (name, option) in metadata.options() {
        let default = match plain(&option["default"]) {
            empty if empty.is_empty() => String::new(),
            default => format!("`{default}`"),
        };
        let summary = summary(&option["description"]);
        out.push_str(&format!("| `{name}` | {default} | {summary} |\n"));
    }
    out
}

fn endpoints(metadata: &Metadata) -> String {
    let mut out = "| Endpoint | Interface | |\n|---|---|---|\n".to_owned();
    for (name, endpoint) in metadata.endpoints() {
        let interface = plain(&endpoint["interface"]);
        let summary = summary(&endpoint["description"]);
        out.push_str(&format!("| `{name}` | `{interface}` | {summary} |\n"));
    }
    out
}

fn resources(metadata: &Metadata) -> String {
    let mut out = "| Resource | |\n|---|---|\n".to_owned();
    for (name, resource) in metadata.map("resources") {
        let whole = whole(&resource["description"]);
        out.push_str(&format!("| `{name}` | {whole} |\n"));
    }
    out
}

fn storage(metadata: &Metadata) -> String {
    let mut out = "| Storage | At least | |\n|---|---|---|\n".to_owned();
    for (name, storage) in metadata.map("storage") {
        let (least, whole) = (
            plain(&storage["minimum-size"]),
            whole(&storage["description"]),
        );
        out.push_str(&format!("| `{name}` | {least} | {whole} |\n"));
    }
    out
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A description in one line, fit for a cell.
fn whole(description: &Value) -> String {
    let text = description.as_str().expect("everything is described");
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

/// The first sentence of a description.
fn summary(description: &Value) -> String {
    let whole = whole(description);
    match whole.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => whole,
    }
}
