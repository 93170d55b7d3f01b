//! What the documents say: their tables are those of the metadata, their
//! commands are ones that the charm understands and that a test runs, and their
//! links lead somewhere.
//!
//! A table stands between `<!-- table: options -->` and `<!-- end -->`. Where one
//! is not as it should be, the test says so and shows the right one; with
//! `DOCS_WRITE=1` it writes them.

#![allow(
    clippy::too_many_lines,
    reason = "a story and a table are read from top to bottom"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect has failed"
)]

mod commands;
mod metadata;
mod sister;
mod tables;

use std::path::{Path, PathBuf};
use std::{env, fs};

use metadata::Metadata;

/// All that operators of etcd and newcomers are given to read.
fn documents() -> Vec<(PathBuf, String)> {
    let mut paths: Vec<_> = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
        .map(|name| root().join(name))
        .into();
    paths.extend(markdown_below("docs"));
    read(paths)
}

/// The same, and what is written about all else in the repository.
fn all_documents() -> Vec<(PathBuf, String)> {
    let mut paths = vec![root().join("CHANGELOG.md")];
    for directory in ["charms", "crates", "terraform"] {
        paths.extend(markdown_below(directory));
    }
    let mut documents = documents();
    documents.extend(read(paths));
    documents
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn markdown_below(directory: &str) -> Vec<PathBuf> {
    let (mut found, mut directories) = (Vec::new(), vec![root().join(directory)]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
    }
    found
}

fn read(mut paths: Vec<PathBuf>) -> Vec<(PathBuf, String)> {
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn tables_are_those_of_the_metadata() {
    let metadata = Metadata::read();
    let mut missing: Vec<&str> = tables::ALL.iter().map(|(name, _)| *name).collect();
    let mut wrong = Vec::new();
    for (path, text) in documents() {
        let right = tables::replaced(&text, |name| {
            missing.retain(|other| *other != name);
            tables::table(name, &metadata)
        });
        if right == text {
            continue;
        }
        if env::var_os("DOCS_WRITE").is_some() {
            fs::write(&path, right).unwrap();
        } else {
            wrong.push(format!("{} should be:\n{right}", path.display()));
        }
    }
    assert!(missing.is_empty(), "no document has a table of {missing:?}");
    assert!(
        wrong.is_empty(),
        "run this with DOCS_WRITE=1\n{}",
        wrong.join("\n")
    );
}

/// `juju actions etcd` shows each description whole.
#[test]
fn actions_are_described_in_a_sentence_and_explained_in_a_document() {
    let explained = fs::read_to_string(root().join("docs/reference/actions.md")).unwrap();
    for (name, action) in Metadata::read().actions() {
        let described = action["description"].as_str().unwrap();
        let is_sentence = !described.contains('\n') && described.ends_with('.');
        assert!(is_sentence, "{name}: {described}");
        let length = described.chars().count();
        assert!(length <= 90, "{name} takes {length} characters");
        let heading = format!("\n## {name}\n");
        assert!(explained.contains(&heading), "nothing explains {name}");
    }
}

#[test]
fn commands_are_understood_and_run_by_a_test() {
    let metadata = Metadata::read();
    let tests = commands::Tests::read();
    let sisters = sister::Sister::all();
    let mut wrong = Vec::new();
    let mut count = 0;
    for (path, text) in documents() {
        for command in commands::of_text(&text) {
            count += 1;
            let checked = match sisters.iter().find(|charm| charm.is_asked_by(&command)) {
                Some(charm) => charm.check(&command),
                None => commands::check(&command, &metadata, &tests),
            };
            if let Err(reason) = checked {
                wrong.push(format!("{}: `{command}`: {reason}", path.display()));
            }
        }
    }
    assert!(count > 20, "only {count} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn commands_of_the_other_charms_are_understood() {
    let mut wrong = Vec::new();
    for charm in sister::Sister::all() {
        let commands = commands::of_text(&charm.documents());
        assert!(!commands.is_empty());
        for command in commands {
            if let Err(reason) = charm.check(&command) {
                wrong.push(format!("`{command}`: {reason}"));
            }
        }
        for command in [
            "juju config lxd-integrator lxd-endpoint=x",
            "juju run lxd-integrator/leader helth",
            "juju integrate lxd-integrator:apis my-app",
            "juju lunch",
            "rm -rf /",
        ] {
            let command = command.replace("lxd-integrator", charm.name());
            assert!(charm.check(&command).is_err(), "{command}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What would be the use of a check that passes everything?
#[test]
fn commands_with_mistakes_are_found() {
    let metadata = Metadata::read();
    let tests = commands::Tests::read();
    for command in [
        "juju run etcd/leader helth",
        "juju run etcd/leader defrag unit=etcd/0",
        "juju run etcd/leader revoke-client-certificates",
        "juju run etcd/leader reconcile dry-run=maybe",
        "juju config etcd heartbeat_interval=100",
        "juju config etcd heartbeat-interval=1",
        "juju integrate my-app etcd:client",
        "juju attach-resource etcd snapshot=./x",
        "juju deploy etcd --storage logs=1G",
        "juju deploy etcd --config port=2379",
        "juju upgrade-series etcd",
        "juju offer etcd:db2",
        "juju run store/leader helth",
        "juju config etcd allow-vulnerable-etcd=maybe",
        "etcdctl lunch",
        "make lunch",
        "rm -rf /",
    ] {
        let checked = commands::check(command, &metadata, &tests);
        assert!(checked.is_err(), "{command}");
    }
}

/// The names of tests in the table of SECURITY.md that says what holds each bound.
fn tests_named(security: &str) -> Vec<&str> {
    let (_, table) = security.split_once("<!-- held by tests -->").unwrap();
    let (table, _) = table.split_once("<!-- end -->").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.flat_map(|row| {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let names: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "nothing holds {row}");
        names
    })
    .collect()
}

#[test]
fn what_security_promises_is_held_by_tests_that_there_are() {
    let mut sources = String::new();
    let mut directories = vec![root().join("src"), root().join("tests")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let security = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    for name in tests_named(&security) {
        let is_function = sources.contains(&format!("fn {name}("));
        let is_story = sources.contains(&format!("\"{name}\""));
        assert!(is_function || is_story, "there is no test {name}");
    }
}

#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    for (path, text) in all_documents() {
        let targets = text.split("](").skip(1);
        let targets = targets.filter_map(|rest| rest.split_once(')'));
        for (target, _) in targets.filter(|(target, _)| !target.contains("://")) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            let text = fs::read_to_string(&file).unwrap_or_default();
            let is_there = match heading {
                "" => file.exists(),
                heading => text
                    .lines()
                    .any(|line| anchor(line).as_deref() == Some(heading)),
            };
            if !is_there {
                wrong.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// From the first page every other one is found.
#[test]
fn every_page_is_linked() {
    let mut found = vec![root().join("docs/index.md")];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        next += 1;
        let text = fs::read_to_string(&path).unwrap();
        let targets = text.split("](").skip(1);
        let targets = targets.filter_map(|rest| rest.split_once(')'));
        for (target, _) in targets.filter(|(target, _)| !target.contains("://")) {
            let file = target.split('#').next().unwrap();
            let Ok(file) = path.parent().unwrap().join(file).canonicalize() else {
                continue;
            };
            let is_page = file.extension().is_some_and(|end| end == "md");
            if is_page && !found.contains(&file) {
                found.push(file);
            }
        }
    }
    for page in markdown_below("docs") {
        let page = page.canonicalize().unwrap();
        assert!(found.contains(&page), "nothing links to {}", page.display());
    }
}

/// The anchor that a heading gets where Markdown is shown.
fn anchor(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let kept = title
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
}
