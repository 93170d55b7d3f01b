//! The sources, as the rules on them look at them: without comments, texts and tests.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What the files of the service hold, which is pure although it is etcd on this
/// machine: a module of its own here.
const CONFIGURATION: (&str, &str) = ("workload::configuration", "configuration");

/// A source file without comments, texts and tests.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// The module directly below the crate that the file belongs to.
    pub(crate) module: String,
    /// Lines of code with their numbers.
    pub(crate) code: Vec<(usize, String)>,
    /// How many lines there are before the tests.
    pub(crate) lines: usize,
    pub(crate) has_header: bool,
}

impl Source {
    pub(crate) fn new(path: &Path, text: &str) -> Self {
        let first = path.components().next().expect("a path has components");
        let module = Path::new(first.as_os_str()).file_stem();
        let mut module = module.expect("a file has a name").to_string_lossy();
        if path.starts_with(CONFIGURATION.0.replace("::", "/")) {
            module = CONFIGURATION.1.into();
        }
        let lines: Vec<_> = text.lines().collect();
        // Tests inside of a file are its last module.
        let end = (0..lines.len())
            .find(|at| {
                lines[*at] == "#[cfg(test)]"
                    && lines
                        .get(at + 1)
                        .is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'))
            })
            .unwrap_or(lines.len());
        let code = without_text(&lines[..end].join("\n"))
            .replace(CONFIGURATION.0, CONFIGURATION.1)
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line.to_owned()))
            .collect();
        Self {
            path: path.to_owned(),
            module: module.into_owned(),
            code,
            lines: end,
            has_header: text.starts_with("//!"),
        }
    }

    pub(crate) fn is(&self, path: &str) -> bool {
        self.path == Path::new(path)
    }

    /// The modules of the crate that stand in paths, with the line of each.
    pub(crate) fn mentioned_modules(&self) -> BTreeSet<(usize, String)> {
        let mut found = BTreeSet::new();
        // How deep inside of `use crate::{ … }` the reading is, and whether a
        // module's name can stand here; 0 is outside.
        let mut depth = 0_usize;
        let mut is_start = false;
        for (number, line) in &self.code {
            let mut rest = line.as_str();
            while !rest.is_empty() {
                if depth == 0 {
                    let Some((_, path)) = rest.split_once("crate::") else {
                        break;
                    };
                    rest = path;
                    if let Some(inside) = rest.strip_prefix('{') {
                        (depth, is_start, rest) = (1, true, inside);
                    } else {
                        found.insert((*number, first_word(rest)));
                    }
                    continue;
                }
                let word = first_word(rest);
                if !word.is_empty() {
                    rest = &rest[word.len()..];
                    if depth == 1 && is_start {
                        found.insert((*number, word));
                    }
                    is_start = false;
                    continue;
                }
                match rest.as_bytes()[0] {
                    b'{' => depth += 1,
                    b'}' => depth -= 1,
                    b',' => is_start = true,
                    _ => {}
                }
                let mut characters = rest.chars();
                characters.next();
                rest = characters.as_str();
            }
        }
        found
    }
}

/// Every source file of the charm and of the crates that it rests on which is
/// not there for tests alone.
pub(crate) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = sources_below(&root.join("src"), Path::new(""));
    assert!(found.len() > 50, "the sources are not where they should be");
    for entry in fs::read_dir(root.join("crates")).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        // Tests rest on it, and nothing else does.
        if name == "juju-simulator" {
            continue;
        }
        found.extend(sources_below(&path.join("src"), Path::new(name)));
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The sources of one crate; the charm's own have no prefix, and their first
/// directory is their module. Those of another crate have the crate's name.
fn sources_below(root: &Path, prefix: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let stem = path.file_stem().expect("a name").to_string_lossy();
            let is_test = stem == "tests"
                || stem == "testing"
                || stem == "fake"
                || stem.ends_with("_tests")
                || path.components().any(|part| part.as_os_str() == "tests");
            if !is_test && path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                let path = path.strip_prefix(root).expect("below the root");
                found.push(Source::new(&prefix.join(path), &text));
            }
        }
    }
    found
}

#[derive(Default)]
pub(crate) struct Violations(String);

impl Violations {
    pub(crate) fn add(&mut self, source: &Source, line: usize, text: &str) {
        let path = source.path.display();
        writeln!(self.0, "{path}:{line}: {text}").expect("a text takes a line");
    }

    pub(crate) fn none(self) {
        assert!(self.0.is_empty(), "\n{}", self.0);
    }
}

/// The code without its comments and the content of its texts, line for line.
fn without_text(code: &str) -> String {
    let mut left = String::new();
    let mut characters = code.chars().peekable();
    let mut is_text = false;
    while let Some(c) = characters.next() {
        match c {
            '\n' => left.push(c),
            // An escaped end of line is one, too.
            '\\' if is_text => left.extend(characters.next().filter(|c| *c == '\n')),
            // A character literal with a quotation mark in it opens no text.
            '"' if is_text || !left.ends_with('\'') => {
                is_text = !is_text;
                left.push(c);
            }
            '/' if !is_text && characters.peek() == Some(&'/') => {
                while characters.next_if(|c| *c != '\n').is_some() {}
            }
            c if !is_text => left.push(c),
            _ => {}
        }
    }
    left
}

/// Whether a path begins here, and not in the middle of a longer name.
pub(crate) fn mentions(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
    })
}

/// Whether what the method of this name gives is awaited where these lines begin.
pub(crate) fn awaits(lines: &[(usize, String)], name: &str) -> bool {
    let method = format!(".{name}(");
    let Some(at) = lines[0].1.find(&method) else {
        return false;
    };
    let rest = lines.iter().skip(1).map(|(_, line)| line.trim());
    let text = lines[0].1[at + method.len()..].to_owned() + &rest.collect::<String>();
    let mut depth = 1_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => return text[at + 1..].starts_with(".await"),
            ')' => depth -= 1,
            _ => {}
        }
    }
    false
}

/// The names of functions that are called on this line.
pub(crate) fn called(line: &str) -> Vec<String> {
    line.match_indices('(')
        .filter_map(|(at, _)| {
            let name = line[..at]
                .rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .next()?;
            (!name.is_empty()).then(|| name.to_owned())
        })
        .collect()
}

pub(crate) fn first_word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}
