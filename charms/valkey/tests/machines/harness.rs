//! A simulated Juju whose unit lives on a machine.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use juju_simulator::{Charm, Deployment, Hook, Model, Options, UnitName};
use secret_value::Secret;
use serde_json::{Value as Json, json};
use valkey_charm::valkey::{Address, Connection, Login, Target};

use crate::guest::{Guest, JUJU, PLACE, root};

pub(crate) const ADDRESS: &str = "192.0.2.10";

/// An installation may wait for the disk of a busy machine.
const HOOK_TIMEOUT: Duration = Duration::from_secs(300);

const REQUIRER: &str = "
name: requirer
requires:
  valkey:
    interface: valkey_client
";

pub(crate) struct Harness {
    model: Model,
    pub(crate) unit: UnitName,
    pub(crate) guest: Guest,
    runtime: tokio::runtime::Runtime,
}

impl Harness {
    /// A unit whose machine is on; no hook has run yet. Its program is from an
    /// attached archive, since the machine's own distribution may have none.
    pub(crate) fn new() -> Self {
        let mut options = Options::new(JUJU);
        options.hook_timeout = HOOK_TIMEOUT;
        let mut model = Model::new(options).unwrap();
        let charm = Charm::at(env!("CARGO_MANIFEST_DIR"))
            .with_dispatch(root().join("tests/machines/dispatch"));
        let deployment = Deployment::units(1)
            .address(ADDRESS)
            .config("down-after", 1000)
            .resource("valkey", archive());
        let unit = model.deploy_with("valkey", charm, deployment).remove(0);
        let mut guest = Guest::new(&unit.with_dash(), ADDRESS);
        guest.boot();
        guest.wait_until_started();
        let harness = Self {
            model,
            unit,
            guest,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        };
        harness.put_juju_exec();
        harness
    }

    /// Whoever asks for a hook leaves a note.
    fn put_juju_exec(&self) {
        let program = self.guest.root().join("usr/bin/juju-exec");
        fs::write(&program, format!("#!/bin/sh\ntouch {JUJU}/asked\n")).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn was_asked(&self) -> bool {
        Path::new(JUJU).join("asked").exists()
    }

    pub(crate) fn forget_asked(&self) {
        drop(fs::remove_file(Path::new(JUJU).join("asked")));
    }

    pub(crate) fn settle(&mut self) {
        if let Err(error) = self.model.settle(200) {
            panic!("{error}\n{}", self.guest.last_words());
        }
    }

    pub(crate) fn update_status(&mut self) {
        let run = self.model.run_hook(self.unit.clone(), Hook::UpdateStatus);
        assert!(
            run.succeeded(),
            "{}\n{}",
            run.stderr,
            self.guest.last_words()
        );
        self.settle();
    }

    pub(crate) fn status(&self) -> String {
        let status = self.model.unit_status(self.unit.clone());
        format!("{}: {}", status.status, status.message)
    }

    pub(crate) fn reboot(&mut self) {
        self.guest.reboot();
        self.guest.wait_until_off();
        self.guest.boot();
        self.guest.wait_until_started();
        self.model.agent_restart(self.unit.clone(), false);
        self.settle();
    }

    pub(crate) fn service(&self, name: &str) -> String {
        format!("valkey-charm-{}-{name}.service", self.unit.with_dash())
    }

    /// A property of a service as systemd shows it.
    pub(crate) fn property(&self, name: &str, property: &str) -> String {
        let service = self.service(name);
        self.guest.run(&[
            "systemctl",
            "show",
            "--value",
            "--property",
            property,
            &service,
        ])
    }

    /// The word that `systemctl` answers, whatever its exit code.
    pub(crate) fn word(&self, question: &str, service: &str) -> String {
        let answer = self.guest.try_run(&["systemctl", question, service]).stdout;
        String::from_utf8_lossy(&answer).trim().to_owned()
    }

    /// Relates an application, and gives what it logs in with.
    pub(crate) fn client(&mut self) -> Login {
        self.model.deploy("app", Charm::puppet(REQUIRER));
        let relation = self.model.integrate("valkey:valkey-client", "app:valkey");
        let requests = json!([{"resource": "app:*", "request-id": "a", "salt": "s"}]).to_string();
        let pairs = [("version", "v1"), ("requests", &requests)];
        self.model.relation_set_app(relation, "app", &pairs);
        self.settle();
        let bag = self.model.app_bag(relation, "valkey");
        let answers: Vec<Json> = serde_json::from_str(&bag["requests"]).unwrap();
        assert_eq!(answers[0]["endpoints"], format!("{ADDRESS}:6379"));
        let uri = answers[0]["secret-user"].as_str().unwrap();
        let secret = self.model.secret_get_as(UnitName::new("app", 0), uri, true);
        let secret = secret.unwrap();
        Login {
            user: secret["username"].clone(),
            password: Secret::new(secret["password"].clone()),
        }
    }

    pub(crate) fn set(&self, login: &Login, key: &str, value: &str) {
        self.call(login, &["SET", key, value]);
        self.call(login, &["WAITAOF", "1", "0", "5000"]);
    }

    pub(crate) fn get(&self, login: &Login, key: &str) -> Option<String> {
        self.call(login, &["GET", key])
    }

    fn call(&self, login: &Login, words: &[&str]) -> Option<String> {
        let target = Target::Plain(Address {
            host: ADDRESS.parse().unwrap(),
            port: 6379,
        });
        let answer = self.runtime.block_on(async {
            let connection = Connection::open(&target, login).await?;
            connection.within(Duration::from_secs(10)).call(words).await
        });
        answer.unwrap().text().map(str::to_owned)
    }
}

/// An archive with a program that starts the newest release at hand, from where the
/// machine sees it.
fn archive() -> PathBuf {
    let releases = root().join("target/tools/valkey");
    let mut found: Vec<_> = fs::read_dir(&releases)
        .expect("charms/valkey/tests/setup has made some")
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    let from = found.pop().unwrap();
    // Within what every machine has at the same place.
    let release = Path::new(JUJU).join("release");
    let copied = Command::new("cp")
        .arg("-a")
        .args([&from, &release])
        .status();
    assert!(copied.unwrap().success());
    let directory = Path::new(PLACE).join("archive");
    fs::create_dir_all(&directory).unwrap();
    let program = directory.join("valkey-server");
    let place = release.display();
    let script = format!(
        "#!/bin/sh\nexec {place}/lib/linker --argv0 \"$0\" --library-path {place}/lib \
         {place}/libexec/valkey-server \"$@\"\n"
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let file = Path::new(JUJU).join("valkey.tar.gz");
    let made = Command::new("tar")
        .args(["-czf"])
        .arg(&file)
        .arg("-C")
        .arg(&directory)
        .arg("valkey-server")
        .status();
    assert!(made.unwrap().success());
    file
}
