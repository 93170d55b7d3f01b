//! What `systemctl` says, and what it does with files.

use std::fs;

use simulated_machine::Active;

use crate::bench::{Bench, helper};

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
    bench.fail("systemctl status none", 4);
    bench.fail("systemctl enable none", 1);
    bench.fail("systemctl is-enabled none", 1);
    assert_eq!(
        bench.succeed("systemctl show none -p LoadState,ActiveState"),
        "LoadState=not-found\nActiveState=inactive\n"
    );
}

pub(crate) fn a_masked_unit_cannot_be_started() {
    let bench = Bench::new();
    bench.succeed("systemctl mask etcd.service");
    assert_eq!(bench.run("systemctl is-enabled etcd").stdout, "masked\n");
    let said = bench.fail("systemctl start etcd", 1);
    assert_eq!(
        said,
        "Failed to start etcd.service: Unit etcd.service is masked.\n"
    );
    bench.succeed("systemctl mask etcd");
    bench.succeed("systemctl unmask etcd");
    bench.fail("systemctl start etcd", 5);

    bench.unit("own", "ExecStart=/bin/sleep 1000");
    let said = bench.fail("systemctl mask own", 1);
    assert!(said.ends_with("own.service already exists.\n"), "{said}");
}

pub(crate) fn enabling_is_a_link() {
    let bench = Bench::new();
    bench.unit("sleeper", "ExecStart=/bin/sleep 1000");
    assert_eq!(
        bench.run("systemctl is-enabled sleeper").stdout,
        "disabled\n"
    );
    bench.succeed("systemctl enable --now sleeper");
    assert_eq!(bench.succeed("systemctl is-enabled sleeper"), "enabled\n");
    assert_eq!(bench.machine().service("sleeper").active, Active::Active);
    let link = bench
        .machine()
        .root()
        .join("etc/systemd/system/multi-user.target.wants/sleeper.service");
    assert!(link.exists());
    bench.succeed("systemctl disable --now --quiet sleeper");
    assert!(link.symlink_metadata().is_err());
    assert_eq!(bench.machine().service("sleeper").active, Active::Inactive);
}

pub(crate) fn a_changed_unit_file_needs_a_reload() {
    let bench = Bench::new();
    bench.unit("echo", "ExecStart=/bin/sh -c \"echo old; sleep 1000\"");
    bench.succeed("systemctl start echo");
    let file = bench
        .machine()
        .root()
        .join("etc/systemd/system/echo.service");
    let text = fs::read_to_string(&file)
        .expect("the unit")
        .replace("old", "new");
    fs::write(&file, text).expect("the unit");
    assert_eq!(
        bench.succeed("systemctl show echo -p NeedDaemonReload"),
        "NeedDaemonReload=yes\n"
    );
    let outcome = bench.run("systemctl restart echo");
    assert!(outcome.stderr.contains("changed on disk"), "{outcome:?}");
    crate::bench::eventually("it says something", || {
        bench.log("echo").lines().count() == 2
    });
    bench.succeed("systemctl daemon-reload");
    assert_eq!(bench.run("systemctl restart echo").stderr, "");
    crate::bench::eventually("it says something else", || {
        bench.log("echo") == "old\nold\nnew\n"
    });

    let drop_ins = bench
        .machine()
        .root()
        .join("etc/systemd/system/echo.service.d");
    fs::create_dir(&drop_ins).expect("a directory");
    fs::write(
        drop_ins.join("a.conf"),
        "[Service]\nExecStart=\nExecStart=/bin/echo dropped",
    )
    .expect("a drop-in");
    bench.succeed("systemctl daemon-reload");
    bench.succeed("systemctl restart echo");
    crate::bench::eventually("the drop-in is heard", || {
        bench.log("echo").ends_with("dropped\n")
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
    assert_eq!(
        bench.succeed("systemctl show bad -P LoadState"),
        "bad-setting\n"
    );
}

pub(crate) fn show_prints_in_its_own_order() {
    let bench = Bench::new();
    bench.unit("sleeper", "ExecStart=/bin/sleep 1000\nRestart=always");
    bench.succeed("systemctl start sleeper");
    let state = bench.machine().service("sleeper");
    let shown = bench.succeed(
        "systemctl show sleeper -p ActiveState,SubState -p Unknown --property=MainPID,Result",
    );
    let pid = state.main_pid.expect("a process");
    assert_eq!(
        shown,
        format!("MainPID={pid}\nResult=success\nActiveState=active\nSubState=running\n")
    );
    let first = bench.succeed("systemctl show sleeper -p InvocationID --value");
    assert_eq!(first.len(), 33);
    bench.succeed("systemctl restart sleeper");
    assert_ne!(
        bench.succeed("systemctl show sleeper -p InvocationID --value"),
        first
    );
}

pub(crate) fn no_block_returns_at_once() {
    let bench = Bench::new();
    bench.unit(
        "notifier",
        &format!("Type=notify\n{}", helper("ready-later")),
    );
    bench.succeed("systemctl --no-block start notifier");
    assert_ne!(bench.machine().service("notifier").active, Active::Active);
    bench.wait_for("notifier", |state| state.active == Active::Active);
    bench.fail("systemctl --no-block start none", 5);
}

pub(crate) fn kill_sends_a_signal() {
    let bench = Bench::new();
    bench.unit("sleeper", "ExecStart=/bin/sleep 1000");
    bench.fail("systemctl kill sleeper", 1);
    bench.succeed("systemctl start sleeper");
    bench.succeed("systemctl kill --signal=SIGKILL sleeper");
    assert_eq!(
        bench
            .wait_for("sleeper", |state| state.active == Active::Failed)
            .result,
        "signal"
    );
}
