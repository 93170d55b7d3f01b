//! What a broken or hostile requirer writes is refused with a reason, fails no
//! hook, and nobody beside it notices: others are served all the while, etcd
//! is not restarted, and its trust file stays as it is.

pub(crate) mod certificates;
pub(crate) mod haste;
pub(crate) mod requests;
pub(crate) mod sums;

use etcd_charm_world::{Certificate, RelationId, Told, UnitName, World};

use crate::support::{application_message, ask_v0, ask_v1, certificate, deployed, id, users};

/// A world with two clients that are served, and a relation for the bad one.
struct Neighbours {
    world: World,
    unit: UnitName,
    served: Vec<(Told, Certificate, &'static str)>,
    bad: RelationId,
    starts: u32,
    trust: String,
    writes: u32,
}

impl Neighbours {
    fn new() -> Self {
        let (mut world, unit) = deployed();
        let (old, new) = (certificate("old"), certificate("new"));
        let v0 = ask_v0(&mut world, "old", "/old/", &old);
        let v1 = ask_v1(&mut world, "new", &[("/new/", Some(&new))]);
        world.rest();
        let served = vec![
            (world.told(&v0).expect("an answer"), old, "/old/"),
            (
                world.told_for(&v1, &id(0)).expect("an answer"),
                new,
                "/new/",
            ),
        ];
        let bad = world.relate("bad");
        world.settle();
        let (starts, trust) = (world.starts(&unit), world.trust_file(&unit));
        Self {
            world,
            unit,
            served,
            bad,
            starts,
            trust,
            writes: 0,
        }
    }

    /// What the bad requirer writes into its databag; empty values delete.
    fn write(&mut self, pairs: &[(&str, &str)]) {
        self.world.model.relation_set_app(self.bad, "bad", pairs);
    }

    /// Shares a secret with this content over the bad relation.
    fn share(&mut self, content: &str) -> String {
        let model = &mut self.world.model;
        let uri = model.secret_add("bad", &[("mtls-cert", content)]);
        model.secret_grant("bad", &uri, self.bad);
        uri
    }

    /// Lets hooks run, none of which may fail, and asserts that nothing has
    /// come of what was written but this reason.
    fn assert_refused(&mut self, what: &str, reason: &str) {
        let what: String = what.chars().take(60).collect();
        self.world.settle();
        let message = application_message(&self.world);
        assert!(message.contains("bad refused: "), "{what}: {message}");
        assert!(message.contains(reason), "{what}: {message}");
        let length = message.chars().count();
        assert!(length <= 100, "{what}: {length} characters");
        assert!(!message.contains(char::is_control), "{what}: {message:?}");
        let bag = self.world.model.app_bag(self.bad, "etcd");
        assert!(
            bag.get("requests").is_none_or(|list| list == "[]"),
            "{what}: {bag:?}"
        );
        assert!(!bag.contains_key("secret-user"), "{what}: {bag:?}");
        self.assert_unharmed(&what);
        assert_eq!(
            users(&self.world, &self.unit),
            ["new", "old", "root"],
            "{what}"
        );
    }

    /// Asserts that the neighbours are served as before.
    fn assert_unharmed(&mut self, what: &str) {
        assert_eq!(
            self.world.starts(&self.unit),
            self.starts,
            "{what}: restarted"
        );
        assert_eq!(
            self.world.trust_file(&self.unit),
            self.trust,
            "{what}: trust changed"
        );
        self.writes += 1;
        let value = self.writes.to_string();
        for (told, shown, prefix) in &self.served {
            let client = self.world.follow(told, shown);
            let key = format!("{prefix}key");
            assert!(
                client.run(&["put", &key, &value]).ok,
                "{what}: {key} cannot be written"
            );
            assert_eq!(
                client.lines(&["get", &key]),
                [&*key, &*value],
                "{what}: {key}"
            );
        }
    }

    /// Once what was bad is right, it is served: the reason was the reason.
    fn assert_mended(mut self) {
        let shown = certificate("mended");
        let all: Vec<String> = self
            .world
            .model
            .app_bag(self.bad, "bad")
            .into_keys()
            .collect();
        let mut pairs: Vec<_> = all.iter().map(|key| (key.as_str(), "")).collect();
        let uri = self.share(&shown.certificate);
        self.write(&std::mem::take(&mut pairs));
        self.write(&[("prefix", "/mended/"), ("secret-mtls", &uri)]);
        self.world.rest();
        assert_eq!(application_message(&self.world), "");
        let bag = self.world.model.app_bag(self.bad, "etcd");
        let user = self.world.secret_as("bad", &bag["secret-user"]);
        assert_eq!(user["username"], "mended");
    }
}
