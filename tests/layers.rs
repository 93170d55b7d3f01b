//! Who may know whom. The charm's policy can be tested in microseconds because
//! it touches nothing, and two sister charms can come from the same sources
//! because what is Juju's knows nothing of etcd; neither survives by good
//! intentions, so the sources are read here, and every arrow that should not be
//! there is shown with its file and line.

#[path = "layers/source.rs"]
mod source;

use std::collections::BTreeSet;
use std::path::Path;

use source::{Source, Violations, awaits, called, first_word, mentions, sources};

/// Longest source file, without its tests. Who opens one should be able to hold
/// it in mind.
const MAX_LINES: usize = 400;

/// The modules and crates without effects. Of `certificates` the part that issues is
/// not one.
const PURE: &[&str] = &[
    "certificates",
    "configuration",
    "data-interfaces",
    "explain",
    "facts",
    "plan",
    "relation",
];

/// What a pure module must not mention: each of these is a way to the world.
const EFFECTS: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "UdpSocket",
    "TcpListener",
    "TcpStream",
    "ToSocketAddrs",
    "etcd_client::",
    "std::env",
    "std::fs",
    "std::io",
    "std::os",
    "std::process",
    "std::thread",
    "tokio::",
    "tonic::",
];

/// Which of the crate's modules each module may mention, itself left out. What
/// is not listed here is the driver, which knows all.
const ARROWS: &[(&str, &[&str])] = &[
    ("facts", &["relation", "tls"]),
    ("relation", &["facts", "juju", "tls"]),
    ("configuration", &["facts"]),
    ("plan", &["configuration", "facts", "relation", "tls"]),
    ("explain", &["facts", "juju", "plan", "relation"]),
    ("etcd", &["facts"]),
    ("workload", &["facts"]),
    (
        "connection",
        &["configuration", "context", "etcd", "facts", "workload"],
    ),
    (
        "observe",
        &[
            "configuration",
            "connection",
            "context",
            "etcd",
            "facts",
            "hook",
            "juju",
            "log",
            "plan",
            "relation",
            "tls",
            "workload",
        ],
    ),
    (
        "apply",
        &[
            "connection",
            "context",
            "etcd",
            "facts",
            "juju",
            "log",
            "plan",
            "relation",
            "tls",
            "workload",
        ],
    ),
    (
        "action",
        &[
            "apply",
            "configuration",
            "context",
            "etcd",
            "explain",
            "facts",
            "hook",
            "juju",
            "log",
            "observe",
            "plan",
            "reconcile",
            "relation",
            "workload",
        ],
    ),
    ("hook", &["facts", "relation"]),
    (
        "context",
        &["facts", "hook", "juju", "relation", "workload"],
    ),
];

/// How the names of functions begin that read Juju's model or a file.
const READS: &[&str] = &[
    "exists",
    "is_dir",
    "is_file",
    "is_leader",
    "metadata",
    "network_get",
    "read_dir",
    "read_text",
    "relation_get",
    "relation_ids",
    "relation_list",
    "remote_app",
    "resource_get",
    "secret_get",
    "secret_info",
    "storage_",
];

/// How the names of functions begin that change something. Reading is all that
/// an observation does: it runs before anything was decided.
const CHANGES: &[&str] = &[
    "action_fail",
    "action_set",
    "add_learner",
    "application_version_set",
    "claim_name",
    "close_port",
    "compact",
    "create_dir",
    "daemon_reload",
    "defragment",
    "disarm",
    "discard_",
    "ensure_",
    "move_leader",
    "open_port",
    "promote",
    "relation_set",
    "remove_",
    "restart",
    "secret_add",
    "secret_grant",
    "secret_remove",
    "secret_revoke",
    "secret_set",
    "start",
    "status_set",
    "stop",
    "try_lock",
    "unlock",
    "write",
];

/// What makes certificates: steps that write, and the crate with which a requirer makes
/// its own.
const MAY_DRAW: &[&str] = &["apply", "data-requirer"];

/// Functions that draw random numbers, which leaves their callers without a
/// test that says what comes out.
const RANDOM: &[&str] = &[
    "Authority::create",
    "fernet::new_key",
    "issue_client(",
    "issue_server(",
    "OwnRequest::create",
    "sign_request(",
];

/// What is in `std::env` and reads nothing.
const PURE_ENV: &[&str] = &["::consts", "::join_paths", "::split_paths"];

#[test]
fn pure_modules_reach_for_nothing() {
    let mut violations = Violations::default();
    for source in sources() {
        if !PURE.contains(&source.module.as_str()) || source.is("certificates/issue.rs") {
            continue;
        }
        for (number, line) in &source.code {
            for effect in EFFECTS.iter().chain(&["rcgen::"]) {
                if mentions(line, effect) {
                    violations.add(&source, *number, &format!("mentions `{effect}`"));
                }
            }
        }
    }
    violations.none();
}

#[test]
fn modules_know_only_what_they_rest_on() {
    let mut violations = Violations::default();
    for source in sources() {
        let Some((_, allowed)) = ARROWS.iter().find(|(module, _)| *module == source.module) else {
            continue;
        };
        for (number, known) in source.mentioned_modules() {
            if known != source.module && !allowed.contains(&known.as_str()) {
                violations.add(
                    &source,
                    number,
                    &format!("`{}` knows `{known}`", source.module),
                );
            }
        }
    }
    violations.none();
}

#[test]
fn observing_changes_nothing() {
    let mut violations = Violations::default();
    for source in sources() {
        if source.module != "observe" {
            continue;
        }
        for (number, line) in &source.code {
            for name in called(line) {
                if CHANGES.iter().any(|change| name.starts_with(change)) {
                    violations.add(&source, *number, &format!("calls `{name}`"));
                }
            }
        }
    }
    violations.none();
}

/// An action reads, has it planned, and has it applied: what changes anything is the
/// same that a hook applies. To answer is its own.
#[test]
fn actions_leave_changes_to_apply() {
    let mut violations = Violations::default();
    for source in sources() {
        if source.module != "action" {
            continue;
        }
        for (number, line) in &source.code {
            for name in called(line) {
                let is_change = CHANGES.iter().any(|change| name.starts_with(change));
                let is_others = ["apply", "alarms", "compact", "restore", "self"]
                    .iter()
                    .any(|module| line.contains(&format!("{module}::{name}(")));
                let is_own = name.starts_with("action_") || line.contains("fn ");
                if is_change && !is_others && !is_own {
                    violations.add(&source, *number, &format!("calls `{name}`"));
                }
            }
        }
    }
    violations.none();
}

/// What an action goes by was observed: it hands a connection to etcd on and asks
/// nothing over it, and of this machine it knows types alone.
#[test]
fn actions_read_through_observe() {
    let sources = sources();
    let of_etcd = sources.iter().filter(|source| source.module == "etcd");
    let calls_of_etcd: BTreeSet<_> = of_etcd
        .flat_map(|source| &source.code)
        .filter_map(|(_, line)| line.split_once("pub async fn "))
        .map(|(_, rest)| first_word(rest))
        .collect();
    assert!(calls_of_etcd.len() > 20, "{calls_of_etcd:?}");
    let mut violations = Violations::default();
    for source in sources.iter().filter(|source| source.module == "action") {
        for (at, (number, line)) in source.code.iter().enumerate() {
            for name in called(line) {
                let asks = calls_of_etcd.contains(&name) && awaits(&source.code[at..], &name);
                if asks || READS.iter().any(|read| name.starts_with(read)) {
                    violations.add(source, *number, &format!("calls `{name}`"));
                }
            }
            for module in ["etcd", "workload"] {
                let path = format!("crate::{module}::");
                let Some((_, known)) = line.split_once(path.as_str()) else {
                    continue;
                };
                for name in known.split([',', '{', '}', ';', '(']) {
                    let name = name.rsplit("::").next().unwrap_or_default().trim();
                    if name.starts_with(|c: char| c.is_ascii_lowercase()) {
                        violations.add(source, *number, &format!("knows `{module}::{name}`"));
                    }
                }
            }
        }
    }
    violations.none();
}

#[test]
fn each_way_to_the_world_has_one_place() {
    let mut violations = Violations::default();
    for source in sources() {
        for (number, line) in &source.code {
            let reads_environment = line
                .split("std::env")
                .skip(1)
                .any(|rest| !PURE_ENV.iter().any(|name| rest.starts_with(name)));
            if reads_environment && !source.is("juju-hooks/hook.rs") {
                violations.add(&source, *number, "reads the environment");
            }
            for name in ["etcd_client::", "tonic::"] {
                if mentions(line, name) && source.module != "etcd" {
                    violations.add(&source, *number, &format!("mentions `{name}`"));
                }
            }
            if mentions(line, "rcgen::") && !source.is("certificates/issue.rs") {
                violations.add(&source, *number, "mentions `rcgen::`");
            }
        }
    }
    violations.none();
}

#[test]
fn only_apply_draws_random_numbers() {
    let mut violations = Violations::default();
    for source in sources() {
        if MAY_DRAW.contains(&source.module.as_str()) {
            continue;
        }
        for (number, line) in &source.code {
            for name in RANDOM {
                let is_definition = line.contains("fn ");
                if line.contains(name) && !is_definition {
                    violations.add(&source, *number, &format!("calls `{name}`"));
                }
            }
        }
    }
    violations.none();
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut violations = Violations::default();
    for source in sources() {
        if source.lines > MAX_LINES {
            let text = format!("has {} lines before its tests", source.lines);
            violations.add(&source, source.lines, &text);
        }
        if !source.has_header {
            violations.add(&source, 1, "does not begin with `//!`");
        }
    }
    violations.none();
}

/// The reading itself, on a text with everything that could lead it astray.
#[test]
fn sources_are_read_as_they_are_meant() {
    let text = "\
//! std::fs in a comment.
use crate::{
    facts::{Ledger, RequestKey},
    tls,
};
use crate::juju::ToolError;
fn f() -> &'static str {
    \"crate::etcd, std::fs \\\" and // more\" // std::env
}
#[cfg(test)]
mod tests {
    use std::process::Command;
}
";
    let source = Source::new(Path::new("plan/x.rs"), text);
    assert_eq!(source.module, "plan");
    assert_eq!(source.lines, 9);
    let modules: Vec<_> = source.mentioned_modules().into_iter().collect();
    assert_eq!(
        modules,
        [
            (3, "facts".to_owned()),
            (4, "tls".to_owned()),
            (6, "juju".to_owned())
        ]
    );
    let code: String = source.code.iter().map(|(_, line)| line.as_str()).collect();
    assert!(
        !code.contains("std::") && !code.contains("crate::etcd"),
        "{code}"
    );
    assert_eq!(
        called("a.write_x(b); Start::new(c) if (d)"),
        ["write_x", "new"]
    );
    let lines = |text: &str| vec![(1, text.to_owned()), (2, "    .await?;".to_owned())];
    assert!(awaits(&lines("let a = b.status(c(d))"), "status"));
    assert!(!awaits(&lines("let a = b.status(c(d)).e()"), "status"));
    assert!(!awaits(&lines("let a = observe::status(b)"), "status"));
}
