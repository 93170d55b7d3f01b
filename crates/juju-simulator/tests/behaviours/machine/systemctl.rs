//! What `systemctl` says, and what it does with files.

use std::fs;

use juju_simulator::machine::Active;

use crate::machine::bench::{Bench, eventually};

pub(crate) fn an_unknown_unit_is_not_found() {
    let bench = Bench::new();
    for verb in ["start", "restart"] {
        let said = bench.fail(&format!("systemctl {verb} none"), 5);
        assert_eq!(
            said,
            format!("Failed to {verb} none.service: Unit none.service not found.\n")
        );
    }
    let said = bench.fail("systemctl stop none", 5);
    assert_eq!(
        said,
        "Failed to stop none.service: Unit none.service not loaded.\n"
    );
    bench.fail("systemctl enable none", 1);
}

pub(crate) fn a_masked_unit_cannot_be_started() {
    let bench = Bench::new();
    bench.succeed("systemctl mask other.service");
    let said = bench.fail("systemctl start other", 1);
    assert_eq!(
        said,
        "Failed to start other.service: Unit other.service is masked.\n"
    );
    bench.succeed("systemctl mask other");

    bench.unit("own", "ExecStart=/bin/sleep 1000");
    let said = bench.fail("systemctl mask own", 1);
    assert!(said.ends_with("own.service already exists.\n"), "{said}");
}

pub(crate) fn enabling_is_a_link() {
    let bench = Bench::new();
    bench.unit("sleeper", "ExecStart=/bin/sleep 1000");
    bench.succeed("systemctl enable --now sleeper");
    assert_eq!(bench.machine().service("sleeper").active, Active::Active);
    let link = bench
        .machine()
        .root()
        .join("etc/systemd/system/multi-user.target.wants/sleeper.service");
    assert!(link.exists());
    bench.succeed("systemctl disable --now sleeper");
    assert!(link.symlink_metadata().is_err());
    assert_eq!(bench.machine().service("sleeper").active, Active::Inactive);
}

pub(crate) fn a_changed_unit_file_needs_a_reload() {
    let bench = Bench::new();
    bench.unit("echo", "ExecStart=/bin/sh -c \"echo old; sleep 1000\"");
    bench.succeed("systemctl start echo");
    eventually("it says something", || bench.log("echo") == "old\n");
    let file = bench
        .machine()
        .root()
        .join("etc/systemd/system/echo.service");
    let text = fs::read_to_string(&file)
        .expect("the unit")
        .replace("old", "new");
    fs::write(&file, text).expect("the unit");
    let outcome = bench.run("systemctl restart echo");
    assert!(outcome.stderr.contains("changed on disk"), "{outcome:?}");
    eventually("it says it again", || {
        bench.log("echo").lines().count() == 2
    });
    bench.succeed("systemctl daemon-reload");
    assert_eq!(bench.run("systemctl restart echo").stderr, "");
    eventually("it says something else", || {
        bench.log("echo") == "old\nold\nnew\n"
    });
}

pub(crate) fn a_bad_unit_file_is_refused() {
    let bench = Bench::new();
    bench.unit("bad", "Type=notify\nExecStart=relative");
    let said = bench.fail("systemctl start bad", 1);
    assert!(said.contains("has a bad unit file setting"), "{said}");
    assert!(
        bench
            .machine()
            .service("bad")
            .complaint
            .contains("absolute path")
    );
}
