//! Where everything of one unit lies on this machine.

use std::path::{Path, PathBuf};

use crate::facts::{MemberName, UnitName};

/// The name that all directories of this charm have.
const OURS: &str = "etcd-charm";

/// All paths of one unit. Two units on one machine share none of them but the
/// distribution's programs.
///
/// What the charm wants is below `/etc`, in `wanted/`; what the running etcd
/// read when it started is below `/run`, in `loaded/`. Only the service itself
/// copies the one to the other, right before each start, whoever starts it:
/// this charm, systemd after a crash, or a reboot. So `loaded/` is by
/// construction what the running etcd read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Paths {
    root: PathBuf,
    unit: String,
}

impl Paths {
    /// The paths of `unit`, all of them below `root`, which is `/` on a machine.
    pub fn new(root: &Path, unit: &UnitName) -> Self {
        Self {
            root: root.to_owned(),
            // The unit's name with `-` for `/`, as its member's name is.
            unit: MemberName::of(unit).as_str().to_owned(),
        }
    }

    /// What stands for `/`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Configuration and local state: `/etc/etcd-charm/etcd-0`.
    pub fn config_dir(&self) -> PathBuf {
        self.root.join("etc").join(OURS).join(&self.unit)
    }

    /// What etcd shall read at its next start.
    pub fn wanted_dir(&self) -> PathBuf {
        self.config_dir().join("wanted")
    }

    /// The configuration that etcd shall read at its next start.
    pub fn wanted_config(&self) -> PathBuf {
        self.wanted_dir().join("etcd.yaml")
    }

    /// The client trust file that etcd shall read at its next start.
    pub fn wanted_trust(&self) -> PathBuf {
        self.wanted_dir().join("trust.pem")
    }

    /// The client trust file with which the member was seen to serve last.
    pub fn served_trust(&self) -> PathBuf {
        self.config_dir().join("served-trust.pem")
    }

    /// Certificates and private keys.
    pub fn pki_dir(&self) -> PathBuf {
        self.config_dir().join("pki")
    }

    /// The member's certificate of the charm's own authority.
    pub fn server_certificate(&self) -> PathBuf {
        self.pki_dir().join("server.crt")
    }

    /// Its private key, which only the user etcd may read.
    pub fn server_key(&self) -> PathBuf {
        self.pki_dir().join("server.key")
    }

    /// What the member shows to clients, with the key, which only the user etcd may
    /// read. One file for both, so that etcd never reads a certificate beside the
    /// key of another.
    pub fn served_pair(&self) -> PathBuf {
        self.pki_dir().join("clients.pem")
    }

    /// What was asked of another authority, with the key, which only root may read.
    pub fn pending_request(&self) -> PathBuf {
        self.pki_dir().join("request.json")
    }

    /// The other authorities that members may show certificates of.
    pub fn provider_ca(&self) -> PathBuf {
        self.pki_dir().join("provider-ca.crt")
    }

    /// The authority that signs members' certificates.
    pub fn server_ca(&self) -> PathBuf {
        self.pki_dir().join("server-ca.crt")
    }

    /// The authority that signs administrators' certificates.
    pub fn admin_ca(&self) -> PathBuf {
        self.pki_dir().join("admin-ca.crt")
    }

    /// The authority that signs certificates of clients.
    pub fn client_ca(&self) -> PathBuf {
        self.pki_dir().join("client-ca.crt")
    }

    /// The charm's own certificate as administrator.
    pub fn admin_certificate(&self) -> PathBuf {
        self.pki_dir().join("admin.crt")
    }

    /// Its private key, which only root may read.
    pub fn admin_key(&self) -> PathBuf {
        self.pki_dir().join("admin.key")
    }

    /// What this unit remembers, see [`super::UnitState`].
    pub fn unit_state_file(&self) -> PathBuf {
        self.config_dir().join("unit.json")
    }

    /// It is there while etcd may start without any data, which it may once: see
    /// [`super::guard`].
    pub fn first_start(&self) -> PathBuf {
        self.config_dir().join("first-start")
    }

    /// What does not outlive a reboot: `/run/etcd-charm/etcd-0`.
    pub fn runtime_dir(&self) -> PathBuf {
        self.root.join("run").join(OURS).join(&self.unit)
    }

    /// Notes of what stands in the databags of this application. They are in memory,
    /// so that they are forgotten with everything else when the machine restarts.
    pub fn relation_notes_dir(&self) -> PathBuf {
        self.runtime_dir().join("relation-notes")
    }

    /// The ledger as it was read last, see [`super::kept_ledger`]; in memory as well.
    pub fn kept_ledger(&self) -> PathBuf {
        self.runtime_dir().join("ledger")
    }

    /// Who is in the trust files, see [`super::kept_trust`]; in memory as well.
    pub fn kept_trust(&self) -> PathBuf {
        self.runtime_dir().join("trust")
    }

    /// What the running etcd read when it started. It is only true of a
    /// service that is active.
    pub fn loaded_dir(&self) -> PathBuf {
        self.runtime_dir().join("loaded")
    }

    /// The configuration that the running etcd read.
    pub fn loaded_config(&self) -> PathBuf {
        self.loaded_dir().join("etcd.yaml")
    }

    /// The client trust file that the running etcd read.
    pub fn loaded_trust(&self) -> PathBuf {
        self.loaded_dir().join("trust.pem")
    }

    /// What etcd said in its last restore check, see [`super::restore_check`].
    pub fn restore_check_log(&self) -> PathBuf {
        self.runtime_dir().join("restore-check.log")
    }

    /// Private directory for secret files on their way to another program. It
    /// is in memory, so that no disk ever holds them.
    pub fn handover_dir(&self) -> PathBuf {
        self.runtime_dir().join("handover")
    }

    /// The service that runs etcd: `etcd-charm-etcd-0.service`. The charm's
    /// name stands first, so that no application's name can make it another
    /// program's service.
    pub fn service(&self) -> String {
        format!("{OURS}-{}.service", self.unit)
    }

    /// The definition of that service.
    pub fn service_file(&self) -> PathBuf {
        self.root.join("etc/systemd/system").join(self.service())
    }

    /// Programs that came as a resource: `/opt/etcd-charm/etcd-0`, with one
    /// directory per archive.
    pub fn programs_dir(&self) -> PathBuf {
        self.root.join("opt").join(OURS).join(&self.unit)
    }

    /// The link to the directory of the archive that was installed last.
    pub fn current_programs(&self) -> PathBuf {
        self.programs_dir().join("current")
    }

    /// A path that an operator named, who sees the machine from its own root.
    pub fn named(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Where the distribution's packages put their programs.
    pub fn distribution_programs(&self) -> PathBuf {
        self.root.join("usr/bin")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(unit: &str) -> Paths {
        Paths::new(Path::new("/"), &unit.parse().expect("a unit name"))
    }

    #[test]
    fn everything_is_named_by_the_unit() {
        let paths = paths("etcd/0");
        let shown = |path: PathBuf| path.to_string_lossy().into_owned();
        assert_eq!(
            shown(paths.wanted_trust()),
            "/etc/etcd-charm/etcd-0/wanted/trust.pem"
        );
        assert_eq!(
            shown(paths.loaded_config()),
            "/run/etcd-charm/etcd-0/loaded/etcd.yaml"
        );
        assert_eq!(
            shown(paths.current_programs()),
            "/opt/etcd-charm/etcd-0/current"
        );
        assert_eq!(
            shown(paths.service_file()),
            "/etc/systemd/system/etcd-charm-etcd-0.service"
        );
    }

    #[test]
    fn units_one_and_ten_share_nothing() {
        let (one, ten) = (paths("etcd/1"), paths("etcd/10"));
        assert!(!ten.config_dir().starts_with(one.config_dir()));
        assert_ne!(one.service(), ten.service());
    }

    #[test]
    fn nothing_lies_outside_the_root() {
        let paths = Paths::new(Path::new("/tmp/root"), &"etcd/0".parse().expect("a unit"));
        for path in [
            paths.config_dir(),
            paths.runtime_dir(),
            paths.programs_dir(),
            paths.service_file(),
            paths.distribution_programs(),
        ] {
            assert!(path.starts_with("/tmp/root"), "{path:?}");
        }
    }
}
