//! What stories have in common.

use std::path::PathBuf;

use etcd_charm_world::{JujuVersion, Programs, World, WorldOptions};
use libtest_mimic::Trial;

/// A world with the charm under test and the distribution's etcd.
pub(crate) fn world() -> World {
    world_of(Programs::oldest(), JujuVersion::V3_6)
}

/// A world with some etcd and some Juju.
pub(crate) fn world_of(programs: Programs, juju: JujuVersion) -> World {
    World::new(WorldOptions {
        dispatch: env!("CARGO_BIN_EXE_etcd-charm").into(),
        charm: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
        programs,
        juju,
        seed: 1,
    })
}

/// A story as a test of this name.
pub(crate) fn story(name: &str, tell: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        tell();
        Ok(())
    })
}
