//! The workflows, and what else GitHub and Renovate read.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::{read, root, tool};

pub(crate) fn tests() -> Vec<(&'static str, fn())> {
    vec![
        ("workflows_are_well_formed", well_formed),
        ("actions_of_others_are_pinned_to_a_commit", pinned),
        ("scripts_have_no_known_mistakes", scripts),
        ("what_github_and_renovate_read_is_well_formed", others),
    ]
}

fn actionlint(files: &[&Path]) -> Output {
    Command::new(tool("actionlint"))
        .arg("-no-color")
        .arg("-shellcheck")
        .arg(tool("shellcheck"))
        .args(files)
        .current_dir(root())
        .output()
        .unwrap()
}

fn well_formed() {
    let output = actionlint(&[]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");

    // That mistakes are found: in an expression, and in a script.
    let release = read(".github/workflows/release.yaml");
    for (right, wrong) in [
        ("${{ github.token }}", "${{ github.tokens }}"),
        ("cd packed", "cd $PACKED"),
    ] {
        let directory = tempfile::tempdir_in(root().join("target")).unwrap();
        let file = directory.path().join("release.yaml");
        let (with_mistake, is_changed) = (release.replace(right, wrong), release.contains(right));
        assert!(is_changed, "{right} is not there");
        fs::write(&file, with_mistake).unwrap();
        assert!(
            !actionlint(&[&file]).status.success(),
            "{wrong} was not found"
        );
    }
}

/// A tag can be moved, by whoever takes over the repository of an action; and the
/// workflows hold what publishes the charms.
fn pinned() {
    for entry in fs::read_dir(root().join(".github/workflows")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for used in text.lines().filter_map(|line| line.split_once("uses: ")) {
            let action = used.1;
            if action.starts_with("./") {
                continue;
            }
            let (_, version) = action.split_once('@').unwrap();
            let (commit, tag) = version.split_once(" # v").unwrap_or((version, ""));
            let is_commit = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(is_commit && !tag.is_empty(), "{}: {action}", path.display());
        }
    }
}

fn scripts() {
    let directory = root().join("release");
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| fs::read(path).unwrap().starts_with(b"#!"))
        .collect();
    files.push(root().join("tests/shipping/setup"));
    assert!(files.len() > 3, "{files:?}");
    // What is read with `.` is not followed, so its variables are not known there.
    let output = Command::new(tool("shellcheck"))
        .arg("--exclude=SC1091,SC2154")
        .args(&files)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

fn others() {
    let renovate: Value = serde_json::from_str(&read("renovate.json")).unwrap();
    let etcd = &renovate["customManagers"][0];
    // The one file that its own manager reads, as that manager's pattern wants it.
    assert_eq!(etcd["managerFilePatterns"][0], "/^release/etcd-version$/");
    let version = read("release/etcd-version");
    let parts: Vec<_> = version.trim().split('.').collect();
    assert!(parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok()));

    for name in ["bug", "idea"] {
        let form: Value =
            serde_yaml::from_str(&read(format!(".github/ISSUE_TEMPLATE/{name}.yaml"))).unwrap();
        assert!(form["name"].is_string() && form["description"].is_string());
        for field in form["body"].as_array().unwrap() {
            let is_text = field["type"] == "markdown";
            assert!(
                is_text || field["attributes"]["label"].is_string(),
                "{field}"
            );
        }
    }
    let bug = read(".github/ISSUE_TEMPLATE/bug.yaml");
    for charm in read("release/charms").lines() {
        assert!(bug.contains(charm), "nobody can report a bug of {charm}");
    }
}
