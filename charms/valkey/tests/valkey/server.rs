//! A server on its own, with the access list that the charm gives to a new node.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use secret_value::Secret;
use valkey_charm::acl::{Internal, OPERATOR};
use valkey_charm::valkey::{Connection, Login, Target, ValkeyError, Value};

use crate::programs::Programs;

pub(crate) struct Server {
    directory: tempfile::TempDir,
    process: Child,
    pub(crate) runtime: tokio::runtime::Runtime,
}

pub(crate) fn internal() -> Internal {
    let password = |text: &str| Secret::new(text.to_owned());
    Internal {
        operator: password("of-operator"),
        peer: password("of-peer"),
        replication: password("of-replication"),
        sentinel: password("of-sentinel"),
        other: None,
    }
}

impl Server {
    pub(crate) fn start(programs: &Programs, sentinel: bool) -> Self {
        let directory = tempfile::Builder::new().prefix("vk-").tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        std::fs::write(path("users.acl"), internal().first_list()).unwrap();
        let text = format!(
            "port 0\nunixsocket {}\nunixsocketperm 700\ndir {}\naclfile {}\n{}",
            path("s"),
            path(""),
            path("users.acl"),
            if sentinel { "" } else { "databases 1\n" },
        );
        std::fs::write(path("conf"), text).unwrap();
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(programs.directory.join("valkey-server"))
            .arg(path("conf"))
            .args(sentinel.then_some("--sentinel"))
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let runtime = tokio::runtime::Builder::new_current_thread();
        let server = Self {
            directory,
            process,
            runtime: { runtime }.enable_all().build().unwrap(),
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while server
            .try_open("nobody", "x")
            .is_err_and(|error| !error.is_of_login())
        {
            assert!(Instant::now() < deadline, "it did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("s")
    }

    pub(crate) fn try_open(&self, user: &str, password: &str) -> Result<Connection, ValkeyError> {
        let login = Login {
            user: user.to_owned(),
            password: Secret::new(password.to_owned()),
        };
        let target = Target::Socket(self.socket());
        self.runtime.block_on(Connection::open(&target, &login))
    }

    pub(crate) fn operator(&self) -> Connection {
        self.try_open(OPERATOR, "of-operator")
            .expect("the operator")
    }

    pub(crate) fn call(
        &self,
        connection: &mut Connection,
        words: &[&str],
    ) -> Result<Value, ValkeyError> {
        self.runtime.block_on(connection.call(words))
    }

    /// The whole access list.
    pub(crate) fn list(&self) -> Vec<String> {
        let list = self.call(&mut self.operator(), &["ACL", "LIST"]).unwrap();
        list.texts().map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
