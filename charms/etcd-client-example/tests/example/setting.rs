//! The etcd charm and the example in one model.

use std::path::{Path, PathBuf};

use etcd_charm_world::juju::{Charm, Deployment, RemoteSide};
use etcd_charm_world::{JujuVersion, Programs, RelationId, UnitName, World, WorldOptions};

/// The name of the application.
pub(crate) const APP: &str = "example";

/// A model with etcd in it.
pub(crate) struct Setting {
    pub(crate) world: World,
    pub(crate) etcd: UnitName,
}

impl Setting {
    /// One unit of etcd, ready.
    pub(crate) fn new(seed: u64) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_etcd-client-example"));
        let dispatch = program.with_file_name("etcd-charm");
        assert!(
            dispatch.is_file(),
            "the etcd charm is not built: run `cargo build -p etcd-charm`"
        );
        let charm = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut world = World::new(WorldOptions {
            dispatch,
            charm: charm.join("../.."),
            programs: Programs::oldest(),
            juju: JujuVersion::V3_6,
            seed,
        });
        let etcd = world.deploy();
        world.settle();
        Self { world, etcd }
    }

    /// The example with options, related to nobody.
    pub(crate) fn deploy(&mut self, units: u32, options: &[(&str, &str)]) {
        let deployment = self.deployment(units, options);
        self.world.model.deploy_with(APP, charm(), deployment);
    }

    /// The example in another model. Gives its name in this one.
    pub(crate) fn deploy_remotely(&mut self, options: &[(&str, &str)]) -> String {
        let deployment = self.deployment(1, options);
        let side = RemoteSide::Consumer;
        self.world
            .model
            .deploy_remote_with("app", charm(), side, deployment)
    }

    fn deployment(&self, units: u32, options: &[(&str, &str)]) -> Deployment {
        let root = self.world.model.directory().join("example");
        let root = root.display().to_string();
        let deployment = Deployment::units(units).environment("ETCD_CLIENT_EXAMPLE_ROOT", root);
        options.iter().fold(deployment, |deployment, (key, value)| {
            match value.parse::<i64>() {
                Ok(number) => deployment.config(key, number),
                Err(_) => deployment.config(key, *value),
            }
        })
    }

    pub(crate) fn integrate(&mut self, app: &str) -> RelationId {
        self.world
            .model
            .integrate("etcd:etcd-client", &format!("{app}:etcd"))
    }

    /// Has the example's certificate signed by etcd.
    pub(crate) fn integrate_certificates(&mut self, app: &str) -> RelationId {
        self.world
            .model
            .integrate("etcd:certificates", &format!("{app}:certificates"))
    }

    /// The status of a unit, as `word: text`.
    pub(crate) fn status(&self, unit: &UnitName) -> String {
        let status = self.world.model.unit_status(unit.clone());
        format!("{}: {}", status.status, status.message)
    }

    /// Asserts that a unit shows that it uses a prefix, and gives since when.
    #[track_caller]
    pub(crate) fn since(&self, unit: &UnitName, prefix: &str) -> String {
        let status = self.status(unit);
        let start = format!("active: using {prefix} in ");
        assert!(status.starts_with(&start), "{status}");
        let (_, since) = status.split_once(" since ").unwrap();
        since.to_owned()
    }

    /// The value of a key, which the administrator may read.
    pub(crate) fn value(&self, key: &str) -> Vec<String> {
        self.world
            .admin(&self.etcd)
            .lines(&["get", "--print-value-only", key])
    }

    /// Names that etcd knows besides its own.
    pub(crate) fn users(&self) -> Vec<String> {
        let mut users = self.world.admin(&self.etcd).lines(&["user", "list"]);
        users.retain(|user| user != "root");
        users
    }

    /// The certificate that the application offers now.
    pub(crate) fn offered(&self) -> String {
        let secrets = self.world.model.secrets(APP);
        let offered = secrets
            .iter()
            .find_map(|secret| secret.latest().get("mtls-cert"));
        offered.unwrap().clone()
    }
}

fn charm() -> Charm {
    Charm::at(env!("CARGO_MANIFEST_DIR")).with_dispatch(env!("CARGO_BIN_EXE_etcd-client-example"))
}

/// A unit of the example.
pub(crate) fn unit(number: u32) -> UnitName {
    UnitName::new(APP, number)
}
