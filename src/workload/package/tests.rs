//! Tests of both sources, with archives that the real `tar` makes, and with
//! stand-ins for the commands that would change the machine.

use std::error::Error;
use std::os::unix::fs::symlink;
use std::process::Command as Process;

use super::super::release::version;
use super::super::testing::{Machine, script_at};
use super::*;

/// What stands in for etcd: it says that it is etcd.
fn etcd(version: &str) -> String {
    format!("echo 'etcd Version: {version}'")
}

/// Makes an archive of what `fill` puts into a directory.
fn archive(machine: &Machine, name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
    let content = machine.root().join(format!("content of {name}"));
    fs::create_dir_all(content.join("etcd-v3/Documentation")).expect("directories");
    fill(&content);
    let path = machine.root().join(name);
    let status = Process::new("tar")
        .arg("--create")
        .args(["--auto-compress", "--force-local", "--file"])
        .arg(&path)
        .arg("--directory")
        .arg(&content)
        .arg(".")
        .status();
    assert!(status.expect("tar runs").success());
    path
}

/// A release as upstream packs it.
fn release(machine: &Machine, name: &str, version: &str) -> Source {
    Source::Archive(archive(machine, name, |content| {
        for program in ["etcd", "etcdctl", "etcdutl"] {
            script_at(&content.join("etcd-v3").join(program), &etcd(version));
        }
        fs::write(content.join("etcd-v3/Documentation/etcd"), "text").expect("a file");
        fs::write(content.join("etcd-v3/README.md"), "text").expect("a file");
    }))
}

fn machine() -> Machine {
    let machine = Machine::new();
    machine.command("id", "exit 0");
    machine
}

fn install(machine: &Machine, source: &Source) -> Result<Installed, WorkloadError> {
    let programs = ensure_there(&machine.commands(), source, &machine.paths(), false)?;
    make_current(&machine.paths(), source, &programs)?;
    Ok(programs)
}

/// An error with its causes, as an operator sees it.
fn chain(error: &WorkloadError) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[test]
fn a_release_is_unpacked_once_and_its_programs_are_found() {
    let machine = machine();
    let source = release(&machine, "etcd.tar.gz", "3.6.4");
    let first = install(&machine, &source).expect("installed");
    assert_eq!(
        version(&machine.commands(), &first.etcd).expect("runs"),
        "3.6.4"
    );
    assert!(first.etcdutl.is_some());
    // A second time nothing is unpacked: what we write in there stays.
    script_at(&first.etcdctl, "echo touched");
    assert_eq!(install(&machine, &source).expect("installed"), first);
    let kept = fs::read_to_string(&first.etcdctl).expect("readable");
    assert!(kept.contains("touched"));
    assert_eq!(installed(&machine.paths()).expect("known"), Some(first));
}

#[test]
fn a_new_release_leaves_the_programs_of_the_old_one_to_whoever_runs_them() {
    let machine = machine();
    let paths = machine.paths();
    let old = install(&machine, &release(&machine, "old.tar.gz", "3.6.4")).expect("installed");
    let new = install(&machine, &release(&machine, "new.tar", "3.6.5")).expect("installed");
    assert_ne!(old, new);
    assert!(old.etcd.is_file());
    assert_eq!(installed(&paths).expect("known"), Some(new.clone()));
    fs::create_dir(paths.programs_dir().join(".unpacking-0")).expect("of a killed hook");
    remove_other_programs(&paths, &new).expect("removed");
    assert!(!old.etcd.exists());
    assert!(new.etcd.is_file());
    let names = fs::read_dir(paths.programs_dir()).expect("readable");
    assert_eq!(names.count(), 2, "the programs and the link");
}

#[test]
fn programs_without_a_directory_are_taken_too() {
    let machine = machine();
    let path = archive(&machine, "plain.tar.gz", |content| {
        script_at(&content.join("etcd"), &etcd("3.4.30"));
        script_at(&content.join("etcdctl"), "");
    });
    let found = install(&machine, &Source::Archive(path)).expect("installed");
    assert_eq!(found.etcdutl, None);
}

#[test]
fn no_link_and_no_path_of_an_archive_has_an_effect() {
    let machine = machine();
    let refused = |name, fill: &dyn Fn(&Path)| {
        let path = archive(&machine, name, fill);
        let error = install(&machine, &Source::Archive(path)).expect_err("refused");
        assert!(installed(&machine.paths()).expect("known").is_none());
        chain(&error)
    };
    let link = refused("link.tar.gz", &|content| {
        symlink("/bin/sh", content.join("etcd")).expect("a link");
        script_at(&content.join("etcdctl"), "");
    });
    assert!(link.contains("it is a link, or empty"), "{link}");
    let deep = refused("deep.tar.gz", &|content| {
        script_at(&content.join("etcd-v3/Documentation/etcd"), "");
    });
    assert!(deep.contains("there is none"), "{deep}");
    let two = refused("two.tar.gz", &|content| {
        script_at(&content.join("etcd"), &etcd("3.6.4"));
        script_at(&content.join("etcd-v3/etcd"), &etcd("3.6.4"));
    });
    assert!(two.contains("there is more than one"), "{two}");
}

#[test]
fn another_architecture_is_named_with_the_way_out() {
    let machine = machine();
    let path = archive(&machine, "other.tar.gz", |content| {
        // An ELF file for no machine that exists.
        let program = content.join("etcd");
        fs::write(
            &program,
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xff\xff",
        )
        .expect("a file");
        script_at(&content.join("etcdctl"), "");
    });
    let error = install(&machine, &Source::Archive(path)).expect_err("refused");
    let text = chain(&error);
    assert!(text.contains("run `etcd` of the archive"), "{text}");
    assert!(text.contains("juju attach-resource"), "{text}");
    assert!(text.contains("Exec format error"), "{text}");
}

#[test]
fn what_is_no_archive_is_named() {
    let machine = machine();
    let path = machine.root().join("text");
    fs::write(&path, "no archive").expect("writable");
    let error = install(&machine, &Source::Archive(path)).expect_err("refused");
    assert!(matches!(error, WorkloadError::Archive { .. }));
}

#[test]
fn packages_come_without_their_service_and_lists_are_renewed_when_needed() {
    let machine = machine();
    machine.command("systemctl", "");
    machine.command(
        "apt-get",
        r#"case "$*" in
*update*) touch "$root/lists" ;;
*) test -e "$root/lists" || { echo 'E: Unable to locate package etcd-server' >&2; exit 100; }
   mkdir -p "$root/usr/bin"; touch "$root/usr/bin/etcd" "$root/usr/bin/etcdctl" ;;
esac"#,
    );
    machine.command("id", "exit 1");
    machine.command("useradd", "");
    let found = install(&machine, &Source::Distribution).expect("installed");
    assert_eq!(found.etcd, machine.root().join("usr/bin/etcd"));
    let install_call = "apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends etcd-server etcd-client";
    let expected = [
        "systemctl mask etcd.service",
        install_call,
        "apt-get -o DPkg::Lock::Timeout=600 update",
        install_call,
        "id -u etcd",
        "useradd --system --user-group --no-create-home --home-dir /nonexistent \
         --shell /usr/sbin/nologin etcd",
    ];
    assert_eq!(machine.calls(), expected);
    // The second time there is nothing to do but to look for the user.
    install(&machine, &Source::Distribution).expect("installed");
    assert_eq!(machine.calls().len(), expected.len() + 2);
}

#[test]
fn an_installation_that_was_cut_short_is_finished() {
    let machine = machine();
    machine.command("systemctl", "");
    machine.command(
        "apt-get",
        r#"test -e "$root/configured" || { echo 'E: dpkg was interrupted, you must' >&2; exit 100; }"#,
    );
    machine.command("dpkg", r#"touch "$root/configured""#);
    // The files were there before the package's own scripts came to run.
    let programs = machine.paths().distribution_programs();
    fs::create_dir_all(&programs).expect("a directory");
    script_at(&programs.join("etcd"), "");
    script_at(&programs.join("etcdctl"), "");
    let (commands, paths) = (machine.commands(), machine.paths());
    ensure_there(&commands, &Source::Distribution, &paths, true).expect("installed");
    let calls = machine.calls();
    let verbs: Vec<_> = calls
        .iter()
        .filter_map(|call| call.split(' ').next())
        .collect();
    assert_eq!(verbs, ["systemctl", "apt-get", "dpkg", "apt-get", "id"]);
    assert_eq!(calls[2], "dpkg --configure --pending");
}

#[test]
fn apt_is_not_asked_twice_for_another_failure() {
    let machine = machine();
    machine.command("systemctl", "");
    machine.command("apt-get", "echo 'E: No space left on device' >&2; exit 100");
    let error = install(&machine, &Source::Distribution).expect_err("apt fails");
    assert!(chain(&error).contains("No space left"), "{}", chain(&error));
    assert_eq!(machine.calls().len(), 2);
}
