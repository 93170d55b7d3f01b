//! The scripts that workflows run: they are given real archives and real copies,
//! from a directory in the place of the project's downloads.

use std::fs;
use std::process::{Command, Output};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::charm::Charm;
use crate::{read, root};

pub(crate) fn tests() -> Vec<(&'static str, fn())> {
    vec![
        ("an_archive_with_its_published_checksum_is_taken", taken),
        ("an_archive_with_another_checksum_is_refused", refused),
        ("links_are_those_of_the_repository", links),
        ("notes_are_made_from_the_changelog", notes),
        ("the_etcd_of_a_release_has_no_open_advisory", no_advisory),
    ]
}

fn script(name: &str) -> Command {
    Command::new(root().join("release").join(name))
}

/// What is packed is packed without a look at a page of advisories.
fn no_advisory() {
    let version = read("release/etcd-version");
    let version = version.trim().parse().expect("a version");
    let open = etcd_charm::plan::advisory::open_advisories(&version);
    assert!(open.is_empty(), "etcd {version}: {open:?}");
}

/// A directory of releases, as etcd's project lays them out.
struct Releases {
    directory: TempDir,
    version: String,
}

impl Releases {
    fn new(archive: &[u8], sums: impl Fn(&str, &str) -> String) -> Self {
        let version = read("release/etcd-version").trim().to_owned();
        let directory = tempfile::tempdir().unwrap();
        let release = directory.path().join(format!("v{version}"));
        fs::create_dir(&release).unwrap();
        let name = format!("etcd-v{version}-linux-amd64.tar.gz");
        fs::write(release.join(&name), archive).unwrap();
        let sum = format!("{:x}", Sha256::digest(b"the archive"));
        fs::write(release.join("SHA256SUMS"), sums(&sum, &name)).unwrap();
        Self { directory, version }
    }

    fn download(&self, architecture: &str) -> (Output, Option<Vec<u8>>) {
        let file = self.directory.path().join("downloaded");
        let output = script("etcd")
            .arg(architecture)
            .arg(&file)
            .env(
                "ETCD_RELEASES",
                format!("file://{}", self.directory.path().display()),
            )
            .output()
            .unwrap();
        (output, fs::read(file).ok())
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

fn taken() {
    let others = "0".repeat(64);
    let releases = Releases::new(b"the archive", |sum, name| {
        format!("{others}  {name}.asc\n{sum}  {name}\n{others}  other.tar.gz\n")
    });
    let (output, file) = releases.download("amd64");
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(file.as_deref(), Some(&b"the archive"[..]));
    assert!(said(&output).contains(&format!("etcd {} for amd64", releases.version)));

    // There is none of this architecture.
    let (output, _) = releases.download("arm64");
    assert!(!output.status.success());
    let (output, _) = releases.download("s390x");
    assert!(!output.status.success());
}

fn refused() {
    let good = |sum: &str, name: &str| format!("{sum}  {name}\n");
    let of_another = |sum: &str, name: &str| format!("{sum}  {name}.other\n");
    let cut = |sum: &str, name: &str| format!("{}  {name}\n", &sum[..63]);
    for releases in [
        Releases::new(b"another archive", good),
        Releases::new(b"the archive", of_another),
        Releases::new(b"the archive", cut),
    ] {
        let (output, file) = releases.download("amd64");
        assert!(!output.status.success(), "{}", said(&output));
        assert_eq!(file, None, "it was kept");
    }
}

fn links() {
    const REPOSITORY: &str = "https://github.com/somebody/etcd-operators";
    for charm in Charm::all() {
        let copies = tempfile::tempdir().unwrap();
        for name in ["charmcraft.yaml", "metadata.yaml"] {
            let copy = copies.path().join(name);
            fs::write(&copy, read(charm.directory.join(name))).unwrap();
            let set = script("links").arg(REPOSITORY).arg(&copy).output().unwrap();
            assert!(set.status.success(), "{}", said(&set));
            let text = fs::read_to_string(&copy).unwrap();
            assert!(text.contains(&format!(": {REPOSITORY}\n")), "{text}");
            assert!(!text.contains("repository.example"), "{text}");
        }
    }
    let set = script("links")
        .args(["git@host:name", "/dev/null"])
        .output()
        .unwrap();
    assert!(!set.status.success());
}

fn notes() {
    let version = env!("CARGO_PKG_VERSION");
    let output = script("notes").arg(version).output().unwrap();
    let notes = said(&output);
    assert!(output.status.success(), "{notes}");
    assert!(
        !notes.starts_with('\n') && !notes.contains("\n## "),
        "{notes}"
    );
    let changelog = read("CHANGELOG.md");
    assert!(changelog.contains(notes.trim()), "{notes}");

    let output = script("notes").arg("0.0.1").output().unwrap();
    assert!(!output.status.success());
    let (_, sections) = changelog.split_once("\n## ").unwrap();
    let is_newest = ["[Unreleased]", &format!("[{version}]")]
        .iter()
        .any(|heading| sections.starts_with(heading));
    assert!(
        is_newest,
        "the version of Cargo.toml is not the newest of CHANGELOG.md"
    );
}
