//! The example with a certificate that etcd signs.

use etcd_charm_world::UnitName;

use crate::setting::{APP, Setting, unit};

/// Related to both in one go, as a bundle does, on either version of the interface.
pub(crate) fn without_a_restart() {
    for version in ["v0", "v1"] {
        let mut setting = Setting::new(8);
        setting.deploy(2, &[("interface-version", version), ("prefix", "/s/")]);
        setting.world.settle();
        let starts = setting.world.starts(&setting.etcd);
        let certificates = setting.integrate_certificates(APP);
        let relation = setting.integrate(APP);
        setting.world.settle();
        setting.world.full_pass();
        for number in [0, 1] {
            setting.since(&unit(number), "/s/");
        }
        let users = setting.users();
        assert!(
            users[0].starts_with(&format!("{APP}-{certificates}-")),
            "{users:?}"
        );
        assert_eq!(users.len(), 1);
        assert_eq!(
            setting.world.starts(&setting.etcd),
            starts,
            "etcd was restarted"
        );

        // Related to etcd anew it goes on with the certificate that it has.
        setting.world.model.remove_relation(relation);
        setting.world.settle();
        setting.integrate(APP);
        setting.world.settle();
        setting.world.full_pass();
        setting.since(&unit(0), "/s/");
        assert_eq!(
            setting.world.starts(&setting.etcd),
            starts,
            "etcd was restarted"
        );
        setting.world.model.remove_relation(certificates);
        setting.world.settle();
        setting.world.full_pass();
        let kept = setting.world.model.secrets(APP);
        let has_key = |key: &str| kept.iter().any(|secret| secret.latest().contains_key(key));
        assert!(!has_key("request-key"), "the key stays behind");
    }
}

/// From its own certificate to a signed one and back, with the same keys.
pub(crate) fn in_turns() {
    let mut setting = Setting::new(9);
    setting.deploy(1, &[("prefix", "/t/")]);
    setting.integrate(APP);
    setting.world.settle();
    let since = setting.since(&unit(0), "/t/");
    let own = setting.users();

    let certificates = setting.integrate_certificates(APP);
    setting.world.settle();
    setting.world.full_pass();
    setting.world.settle();
    setting.since(&unit(0), "/t/");
    let signed = setting.users();
    assert_ne!(signed, own);
    assert_eq!(signed.len(), 1);

    setting.world.model.remove_relation(certificates);
    for _ in 0..3 {
        setting.world.settle();
        setting.world.full_pass();
    }
    assert!(setting.since(&unit(0), "/t/") >= since);
    assert_eq!(setting.users(), own);
}

/// Somebody related for certificates alone says what is missing, and asks for nothing
/// else.
pub(crate) fn before_etcd() {
    let mut setting = Setting::new(10);
    let name = setting.deploy_remotely(&[("prefix", "/far/")]);
    setting.integrate_certificates(&name);
    setting.world.settle();
    let far = UnitName::new(&name, 0);
    let status = setting.status(&far);
    assert!(status.starts_with("blocked: missing relation"), "{status}");
    let starts = setting.world.starts(&setting.etcd);
    setting.integrate(&name);
    setting.world.settle();
    setting.since(&far, "/far/");
    assert_eq!(setting.world.starts(&setting.etcd), starts);
}
