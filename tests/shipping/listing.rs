//! What Charmhub checks before it lists a charm for everybody. A charm that is one
//! program in Rust has no `pyproject.toml` and none of its lock files; all else is
//! looked at here. Charmhub's own tool reads `charmcraft.yaml` alone, where names,
//! summaries and endpoints are not; CONTRIBUTING.md says what to tell its reviewers.

use serde_json::Value;
use sha2::{Digest, Sha512};

use crate::charm::Charm;
use crate::{read, root};

/// The SHA-512 of Apache-2.0 as it is published, without white space around it: how
/// the listing knows the text.
const APACHE_2: &str = "fdae7ed259455ca9fa45939e7f25cbb4de29831cda16d9151de25a5f6e9d9be4\
    3b053f4fd3b896026239fca77abce04f543d591c501ecf4ce18c854bc0a51660";

pub(crate) fn tests() -> Vec<(&'static str, fn())> {
    vec![
        ("charms_describe_themselves", describes),
        ("charms_have_no_key_in_two_files", no_key_twice),
        ("names_are_lower_case_with_hyphens", names),
        ("endpoints_say_whether_they_are_optional", optional),
        ("makefiles_have_the_targets_of_charms", targets),
        ("icons_are_a_circle_on_100_by_100", icons),
        ("the_repository_says_what_contributors_need", files),
    ]
}

fn describes() {
    for charm in Charm::all() {
        let name = &charm.name;
        let text = |key: &str| charm.metadata[key].as_str().unwrap_or_default();
        assert_eq!(text("name"), name);
        assert!(text("summary").chars().count() <= 78, "{name}: summary");
        assert!(
            text("description").split("\n\n").count() > 1,
            "{name}: description"
        );
        assert_eq!(charm.charmcraft["title"], charm.metadata["display-name"]);

        // The same links, under the keys of each file.
        let links = &charm.charmcraft["links"];
        for (link, key) in [
            ("documentation", "docs"),
            ("issues", "issues"),
            ("source", "source"),
            ("website", "website"),
        ] {
            assert_eq!(links[link], charm.metadata[key], "{name}: {link}");
            assert!(text(key).starts_with("https://"), "{name}: {link}");
        }
        assert!(links["contact"].is_string(), "{name}: contact");
        let (_, documentation) = text("docs").split_once("/blob/main/").unwrap();
        assert!(root().join(documentation).is_file(), "{documentation}");
    }
}

/// charmcraft packs metadata.yaml as it is, and looks at the other file alone for
/// all else.
fn no_key_twice() {
    for charm in Charm::all() {
        let mut both = charm.charmcraft.keys();
        let twice = both.find(|key| charm.metadata.contains_key(*key));
        assert_eq!(twice, None, "{}", charm.name);
    }
}

fn is_well_formed(name: &str) -> bool {
    let parts = name.split('-');
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    parts.into_iter().all(is_part)
}

fn names() {
    /// Options that bear the names of an older charm, whose configuration they take.
    const OLDER: [&str; 4] = [
        "lxd_endpoint",
        "lxd_client_cert",
        "lxd_client_key",
        "lxd_server_cert",
    ];
    for charm in Charm::all() {
        assert!(is_well_formed(&charm.name), "{}", charm.name);
        for word in ["charm", "operator"] {
            assert!(
                !charm.name.split('-').any(|part| part == word),
                "{}",
                charm.name
            );
        }
        let options = charm
            .charmcraft
            .get("config")
            .map(|config| &config["options"]);
        for section in [options, charm.charmcraft.get("actions")] {
            for name in section.and_then(Value::as_object).into_iter().flatten() {
                let name = &**name.0;
                assert!(is_well_formed(name) || OLDER.contains(&name), "{name}");
            }
        }
    }
    assert!(!is_well_formed("client_port") && !is_well_formed("-port") && !is_well_formed("Port"));
}

fn optional() {
    for charm in Charm::all() {
        for role in ["provides", "requires"] {
            for name in charm.names(role) {
                let optional = &charm.metadata[role][name]["optional"];
                assert!(optional.is_boolean(), "{}: {name}", charm.name);
            }
        }
    }
}

fn targets() {
    for charm in Charm::all() {
        let makefile = read(charm.directory.join("Makefile"));
        for target in ["format", "lint", "unit", "integration"] {
            let is_there = makefile
                .lines()
                .any(|line| line.starts_with(&format!("{target}:")));
            assert!(is_there, "{} has no target {target}", charm.name);
        }
    }
}

fn icons() {
    for charm in Charm::all() {
        let icon = read(charm.directory.join("icon.svg"));
        let (opening, rest) = icon.split_once('>').unwrap();
        for size in ["width=\"100\"", "height=\"100\"", "viewBox=\"0 0 100 100\""] {
            assert!(opening.contains(size), "{}: {size}", charm.name);
        }
        assert!(
            rest.contains("<circle cx=\"50\" cy=\"50\" r=\"50\" fill=\"#"),
            "{}",
            charm.name
        );
        assert!(!icon.contains("Gradient"), "{}: a flat colour", charm.name);

        // It is packed only if a part says so.
        let parts = charm.charmcraft["parts"].as_object().unwrap();
        let mut primed = parts
            .values()
            .filter_map(|part| part["prime"].as_array())
            .flatten();
        assert!(primed.any(|file| file == "icon.svg"), "{}", charm.name);
    }
}

fn files() {
    for name in [
        "CONTRIBUTING.md",
        "SECURITY.md",
        "README.md",
        "CHANGELOG.md",
    ] {
        assert!(read(name).len() > 500, "{name}");
    }
    let hash = format!("{:x}", Sha512::digest(read("LICENSE").trim()));
    assert_eq!(hash, APACHE_2, "LICENSE is not the text of Apache-2.0");
    // The lock file of this language.
    assert!(read("Cargo.lock").contains("name = \"etcd-charm\""));
}
