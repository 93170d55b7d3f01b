//! The events of one relation, from its beginning to its end, each measured.

use std::collections::BTreeMap;
use std::fmt;

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{UnitName, V0};

use crate::costs::bench::{Bench, Cost};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// A relation, on which nothing is asked yet.
    Created,
    /// A complete request.
    NewRequest,
    /// The first change after the answer, which sees that it was published.
    FirstAfterAnswer,
    /// A change that asks for nothing new.
    NoChange,
    /// A certificate that was replaced in place.
    Rotation,
    /// A secret that no request names.
    OtherSecret,
    /// A secret of the charm's own.
    OwnSecret,
    /// The end of the relation.
    Broken,
    /// A full pass that finds everything in order.
    UpdateStatus,
}

impl Event {
    pub(crate) const ALL: [Self; 9] = [
        Self::Created,
        Self::NewRequest,
        Self::FirstAfterAnswer,
        Self::NoChange,
        Self::Rotation,
        Self::OtherSecret,
        Self::OwnSecret,
        Self::Broken,
        Self::UpdateStatus,
    ];

    /// Whether it concerns one relation at most, and so must cost the same
    /// however many there are.
    pub(crate) fn is_about_one(self) -> bool {
        self != Self::UpdateStatus
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "relation-created",
            Self::NewRequest => "relation-changed, new request",
            Self::FirstAfterAnswer => "relation-changed, first after the answer",
            Self::NoChange => "relation-changed, no change",
            Self::Rotation => "secret-changed, rotated certificate",
            Self::OtherSecret => "secret-changed, secret of no request",
            Self::OwnSecret => "secret-changed, the charm's own",
            Self::Broken => "relation-broken",
            Self::UpdateStatus => "update-status",
        })
    }
}

/// How many bytes etcd has answered.
#[derive(Debug)]
pub(crate) struct Read {
    /// In an event in which nothing is done.
    pub(crate) begun: usize,
    /// In a pass over all before it.
    pub(crate) pass: usize,
    /// In a new request, from the restart on.
    pub(crate) after_restart: usize,
    /// In an event in which nothing is done, right after a pass that has forgotten a
    /// relation which has ended.
    pub(crate) ended: usize,
}

/// What each event costs.
#[derive(Debug)]
pub(crate) struct Costs(BTreeMap<Event, Cost>);

impl Costs {
    pub(crate) fn of(&self, event: Event) -> &Cost {
        &self.0[&event]
    }

    /// How many bytes etcd answers to a new request. `None` where it cannot be asked.
    pub(crate) fn read_by_a_new_request(bench: &mut Bench) -> Option<Read> {
        let app = bench.next_app();
        let first = bench.sent();
        bench.run(Hook::UpdateStatus);
        let before = bench.sent()?;
        let relation = bench.world.relate(&app);
        bench.hook_of("etcd-client-relation-created");
        let begun = bench.sent()? - before;
        let certificate = bench.authority.issue(&app);
        let model = &mut bench.world.model;
        let mut client = V0::ask(model, &app, relation, &format!("/{app}/"));
        client.set_certificate(model, &certificate.certificate);
        let cost = bench.hook_of("etcd-client-relation-changed");
        assert_eq!(cost.restarts, 1);
        let after_restart = bench.sent()?;
        bench.world.model.remove_relation(relation);
        bench.hook_of("etcd-client-relation-broken");
        let other = bench.world.model.secret_add(&app, &[("mtls-cert", "x")]);
        let secret = other.rsplit('/').next().unwrap().to_owned();
        // It sees that nothing is left of the request, and forgets it.
        bench.run(Hook::UpdateStatus);
        let left = bench.sent()?;
        bench.run(Hook::SecretChanged { secret });
        Some(Read {
            begun,
            pass: before - first?,
            after_restart,
            ended: bench.sent()? - left,
        })
    }

    /// Takes one further relation from its beginning to its end.
    pub(crate) fn measure(bench: &mut Bench) -> Self {
        let mut costs = BTreeMap::new();
        let app = bench.next_app();
        let unit = UnitName::new(&app, 0);
        let relation = bench.world.relate(&app);
        costs.insert(
            Event::Created,
            bench.hook_of("etcd-client-relation-created"),
        );

        let changed = "etcd-client-relation-changed";
        let certificate = bench.authority.issue(&app);
        let model = &mut bench.world.model;
        let mut client = V0::ask(model, &app, relation, &format!("/{app}/"));
        client.set_certificate(model, &certificate.certificate);
        costs.insert(Event::NewRequest, bench.hook_of(changed));
        let answer = bench.world.model.app_bag(relation, "etcd");
        assert!(answer.contains_key("secret-user"), "no answer: {answer:?}");

        // The library notes in its unit's databag what it has seen.
        let note = |bench: &mut Bench, time: usize| {
            let data = [("data", &*format!("{{\"seen\": {time}}}"))];
            let model = &mut bench.world.model;
            model.relation_set_unit(relation, unit.clone(), &data);
            bench.hook_of(changed)
        };
        costs.insert(Event::FirstAfterAnswer, note(bench, 1000));
        costs.insert(Event::NoChange, bench.repeated(note));

        let renewed = bench.authority.issue(&app);
        client.set_certificate(&mut bench.world.model, &renewed.certificate);
        costs.insert(Event::Rotation, bench.hook_of("secret-changed"));

        let other = bench.world.model.secret_add(&app, &[("mtls-cert", "x")]);
        let own = bench.world.model.secrets("etcd").remove(0).uri;
        for (event, uri) in [(Event::OtherSecret, other), (Event::OwnSecret, own)] {
            let secret = uri.rsplit('/').next().unwrap().to_owned();
            let cost = bench.repeated(|bench, _| {
                let secret = secret.clone();
                bench.run(Hook::SecretChanged { secret })
            });
            costs.insert(event, cost);
        }

        bench.world.model.remove_relation(relation);
        costs.insert(Event::Broken, bench.hook_of("etcd-client-relation-broken"));
        bench.rest();
        costs.insert(Event::UpdateStatus, bench.repeated_pass());
        Self(costs)
    }
}
