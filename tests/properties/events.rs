//! What happens to a world, readable enough to be understood when a test
//! fails, and how it is drawn.

use std::collections::BTreeMap;

use etcd_charm::facts::observed::PrefixPolicy;
use etcd_charm::facts::{Access, Permission, Prefix, RelationId};
use proptest::prelude::*;
use serde_json::json;

use super::hook::HookKind;
use super::pool::{GOOD, OFFERS, POOL};
use super::world::{Client, World, requirer_secret};

/// Ids under which relations come: one is the beginning of others.
pub(crate) const RELATIONS: [RelationId; 4] =
    [RelationId(1), RelationId(2), RelationId(10), RelationId(11)];

/// Prefixes, some inside of others.
pub(crate) const PREFIXES: [&str; 5] = ["/a/", "/a/b/", "/b/", "/", "/a"];

/// Names that somebody uses by hand, one of them not in any certificate.
const BY_HAND: [&str; 4] = ["alpha", "gamma", "delta", "operator"];

/// How a certificate is offered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum How {
    Nothing,
    /// In the databag.
    Clear(usize),
    /// In a secret; which one the pool holds.
    Secret(usize),
    /// In a secret that cannot be read yet.
    Late,
}

/// What a requirer writes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ask {
    V0 {
        prefix: usize,
        how: How,
    },
    V1(Vec<(usize, How)>),
    /// A prefix that is never granted.
    Reserved(How),
    /// What no library would write.
    Garbage(BTreeMap<String, String>),
    Nothing,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A requirer asks, over a relation that is made now if there is none.
    Ask(usize, Ask),
    /// The secret of a request gets another content.
    Rotate {
        relation: usize,
        request: usize,
        to: Option<usize>,
    },
    Unrelate(usize),
    /// A whole hook; one that was under way is carried out first.
    Hook(usize, HookKind),
    /// The beginning of a hook.
    Begin(usize, HookKind),
    /// So many steps of the hook that is under way.
    Advance(usize, usize),
    Kill {
        unit: usize,
        keeps_secrets: bool,
    },
    LeaderMoves(usize),
    /// A unit is removed, where a cluster remains.
    RemoveUnit(usize),
    Policy(bool),
    PeerPort(bool),
    Blackout(bool),
    /// etcd ends by itself; systemd starts it again, unless it is `down`.
    Crash {
        unit: usize,
        down: bool,
    },
    DeleteUser(usize),
    DeleteRole(usize),
    AddPermission(usize, usize),
    TakePermissions(usize),
    AddRole(usize),
    MakeByHand(usize),
}

impl World {
    /// Lets it happen. What cannot happen is passed over.
    pub(crate) fn happen(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Hook(unit, kind) => {
                let unit = unit % self.units.len();
                while self.advance(unit) {
                    self.judge_moment()?;
                }
                self.begin(unit, *kind);
                while self.advance(unit) {
                    self.judge_moment()?;
                }
            }
            Event::RemoveUnit(unit) => {
                let unit = unit % self.units.len();
                if self.can_spare(unit) {
                    self.begin(unit, HookKind::Stop);
                    while self.advance(unit) {
                        self.judge_moment()?;
                    }
                }
            }
            Event::Begin(unit, kind) => self.begin(unit % self.units.len(), *kind),
            Event::Advance(unit, steps) => {
                for _ in 0..*steps {
                    self.advance(unit % self.units.len());
                    self.judge_moment()?;
                }
            }
            Event::Kill {
                unit,
                keeps_secrets,
            } => self.kill(unit % self.units.len(), *keeps_secrets),
            event => self.outside(event),
        }
        self.judge_moment()
    }

    /// Whether a unit can be removed and a cluster remains: all are members
    /// that run, and what is left afterwards has a quorum.
    fn can_spare(&self, unit: usize) -> bool {
        let staying: Vec<_> = self.units.iter().filter(|unit| !unit.has_left).collect();
        let voters = self.etcd.members.iter().filter(|member| !member.learner);
        staying.len() > 1
            && !self.units[unit].has_left
            && staying.iter().all(|unit| unit.hook.is_none())
            && self.answers()
            && voters.filter(|member| self.is_up(member)).count() == staying.len()
    }

    fn outside(&mut self, event: &Event) {
        match event {
            Event::Ask(relation, ask) => self.ask(RELATIONS[*relation], ask),
            Event::Rotate {
                relation,
                request,
                to,
            } => {
                let text = to.map(|offer| POOL.offers[offer].text.clone());
                let secret = requirer_secret(RELATIONS[*relation], *request);
                if let Some(content) = self.offered.get_mut(&secret) {
                    *content = text;
                }
            }
            Event::Unrelate(relation) => {
                let id = RELATIONS[*relation];
                if let Some(client) = self.relations.remove(&id) {
                    self.gone.insert(id, client.own);
                }
            }
            Event::LeaderMoves(unit) => {
                // Juju leaves a leader its office for longer than a hook takes.
                let unit = unit % self.units.len();
                if self.units[self.leader].hook.is_none() && !self.units[unit].has_left {
                    self.leader = unit;
                }
            }
            Event::Policy(is_exclusive) => {
                self.policy = match is_exclusive {
                    true => PrefixPolicy::Exclusive,
                    false => PrefixPolicy::Shared,
                };
            }
            Event::PeerPort(is_usual) => self.peer_port = if *is_usual { 2380 } else { 4002 },
            Event::Blackout(is_dark) => self.blackout = *is_dark,
            Event::Crash { unit, down } => {
                let unit = unit % self.units.len();
                if self.units[unit].machine.is_up() && !self.units[unit].has_left {
                    self.stop(unit);
                    if !down {
                        self.start(unit);
                    }
                }
            }
            Event::DeleteUser(name) => {
                if let Some(name) = self.damage(*name) {
                    self.etcd.users.remove(name);
                }
            }
            Event::DeleteRole(name) => {
                if let Some(name) = self.damage(*name) {
                    self.etcd.roles.remove(name);
                    for roles in self.etcd.users.values_mut() {
                        roles.remove(name);
                    }
                }
            }
            Event::AddPermission(name, prefix) => {
                if let Some(name) = self.damage(*name)
                    && let Some(role) = self.etcd.roles.get_mut(name)
                {
                    let prefix = Prefix::new(PREFIXES[*prefix]).expect("a prefix");
                    // etcd keeps one permission for each range.
                    role.retain(|permission| permission.range != prefix.range());
                    role.insert(Permission {
                        read_write: *PREFIXES.first().expect("one") == prefix.as_str(),
                        range: prefix.range(),
                    });
                }
            }
            Event::TakePermissions(name) => {
                if let Some(name) = self.damage(*name)
                    && let Some(role) = self.etcd.roles.get_mut(name)
                {
                    role.clear();
                }
            }
            Event::AddRole(name) => {
                if let Some(name) = self.damage(*name)
                    && let Some(user) = self.etcd.users.get_mut(name)
                {
                    user.insert("root".to_owned());
                }
            }
            Event::MakeByHand(name) => self.make_by_hand(BY_HAND[*name]),
            Event::Hook(..)
            | Event::Begin(..)
            | Event::Advance(..)
            | Event::Kill { .. }
            | Event::RemoveUnit(_) => {}
        }
    }

    /// The name that is damaged, if it is one of ours.
    fn damage(&mut self, name: usize) -> Option<&'static str> {
        let name = ["alpha", "beta", "gamma", "delta"][name];
        if self.witness.foreign.contains_key(name) {
            return None;
        }
        self.witness.damaged.insert(name.to_owned());
        Some(name)
    }

    /// Somebody makes a user and a role, under a name that is not ours; not in
    /// the very moment in which a hook claims it.
    fn make_by_hand(&mut self, name: &str) {
        let claimed = self.etcd.ledger.names.keys();
        let is_ours = claimed.into_iter().any(|claimed| claimed.as_str() == name);
        let is_busy = self.units.iter().any(|unit| unit.hook.is_some());
        if is_ours || is_busy || self.etcd.users.contains_key(name) {
            return;
        }
        let role = [Permission {
            read_write: false,
            range: Prefix::new("/").expect("a prefix").range(),
        }];
        let access = Access {
            user: Some([name.to_owned(), "guest".to_owned()].into()),
            role: Some(role.into()),
        };
        self.etcd
            .users
            .extend(access.user.clone().map(|user| (name.to_owned(), user)));
        self.etcd
            .roles
            .extend(access.role.clone().map(|role| (name.to_owned(), role)));
        self.witness.foreign.insert(name.to_owned(), access);
    }

    fn ask(&mut self, id: RelationId, ask: &Ask) {
        // A number is never used again.
        if self.gone.contains_key(&id) {
            return;
        }
        let mut offer = |request: usize, how: How| {
            let secret = requirer_secret(id, request);
            let (key, value) = match how {
                How::Nothing => return None,
                How::Clear(offer) => ("mtls-cert", POOL.offers[offer].text.clone()),
                How::Secret(_) | How::Late => ("secret-mtls", format!("secret:{secret}")),
            };
            if let How::Secret(offer) = how {
                self.offered
                    .insert(secret, Some(POOL.offers[offer].text.clone()));
            } else if how == How::Late {
                self.offered.insert(secret, None);
            }
            Some((key, value))
        };
        let pair = |(key, value): (&str, String)| (key.to_owned(), value);
        let remote = match ask {
            Ask::Nothing => BTreeMap::new(),
            Ask::Garbage(bag) => bag.clone(),
            Ask::V0 { prefix, how } => {
                let prefix = pair(("prefix", PREFIXES[*prefix].to_owned()));
                let offered = offer(0, *how).map(pair);
                [prefix].into_iter().chain(offered).collect()
            }
            Ask::Reserved(how) => {
                let prefix = pair(("prefix", "\0etcd".to_owned()));
                let offered = offer(0, *how).map(pair);
                [prefix].into_iter().chain(offered).collect()
            }
            Ask::V1(requests) => {
                let requests = requests.iter().enumerate().map(|(at, (prefix, how))| {
                    let mut request = json!({
                        "resource": PREFIXES[*prefix],
                        "request-id": format!("request{at}"),
                        "salt": "salt",
                    });
                    if let Some((key, value)) = offer(at, *how) {
                        request[key] = value.into();
                    }
                    request
                });
                let requests = serde_json::Value::from_iter(requests).to_string();
                [("version", "v1".to_owned()), ("requests", requests)]
                    .map(pair)
                    .into()
            }
        };
        let client = self.relations.entry(id).or_insert_with(|| Client {
            cross_model: id == RelationId(11),
            ..Client::default()
        });
        client.remote = remote;
    }
}

fn offer() -> impl Strategy<Value = usize> {
    prop_oneof![5 => 0..GOOD, 1 => GOOD..OFFERS]
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        1 => Just(How::Nothing),
        1 => Just(How::Late),
        4 => offer().prop_map(How::Secret),
        1 => offer().prop_map(How::Clear),
    ]
}

pub(crate) fn garbage() -> impl Strategy<Value = BTreeMap<String, String>> {
    let key = prop_oneof![
        "(version|prefix|requests|secret-mtls|mtls-cert|encryption-secret|data)",
        "[a-z-]{0,8}",
    ];
    let value = prop_oneof![
        Just("v1".to_owned()),
        Just("v2".to_owned()),
        Just("[]".to_owned()),
        Just("[1, {}, {\"resource\": \"/x\"}, {\"resource\": \"/x\"}]".to_owned()),
        Just("[{\"resource\": \"\", \"request-id\": \"../x\"}]".to_owned()),
        Just("{\"a\": null}".to_owned()),
        offer().prop_map(|offer| POOL.offers[offer].text.clone()),
        "\\PC{0,40}",
        "[\\x00-\\x7f]{0,20}",
    ];
    prop::collection::btree_map(key, value, 0..5)
}

pub(crate) fn ask() -> impl Strategy<Value = Ask> {
    let prefix = || 0..PREFIXES.len();
    prop_oneof![
        6 => (prefix(), how()).prop_map(|(prefix, how)| Ask::V0 { prefix, how }),
        3 => prop::collection::vec((prefix(), how()), 0..3).prop_map(Ask::V1),
        1 => how().prop_map(Ask::Reserved),
        1 => garbage().prop_map(Ask::Garbage),
        1 => Just(Ask::Nothing),
    ]
}

fn relation() -> impl Strategy<Value = usize> {
    0..RELATIONS.len()
}

fn kind() -> impl Strategy<Value = HookKind> {
    prop_oneof![
        2 => Just(HookKind::Full),
        3 => relation().prop_map(|at| HookKind::Client(RELATIONS[at])),
        1 => (relation(), 0..2_usize).prop_map(|(at, n)| HookKind::Secret(RELATIONS[at], n)),
    ]
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let unit = || 0..3_usize;
    let name = || 0..4_usize;
    let to = prop_oneof![1 => Just(None), 6 => offer().prop_map(Some)];
    prop_oneof![
        8 => (relation(), ask()).prop_map(|(at, ask)| Event::Ask(at, ask)),
        4 => (relation(), 0..2_usize, to)
            .prop_map(|(relation, request, to)| Event::Rotate { relation, request, to }),
        2 => relation().prop_map(Event::Unrelate),
        10 => (unit(), kind()).prop_map(|(unit, kind)| Event::Hook(unit, kind)),
        5 => (unit(), kind()).prop_map(|(unit, kind)| Event::Begin(unit, kind)),
        8 => (unit(), 1..20_usize).prop_map(|(unit, steps)| Event::Advance(unit, steps)),
        2 => (unit(), any::<bool>())
            .prop_map(|(unit, keeps_secrets)| Event::Kill { unit, keeps_secrets }),
        1 => unit().prop_map(Event::LeaderMoves),
        1 => unit().prop_map(Event::RemoveUnit),
        1 => any::<bool>().prop_map(Event::Policy),
        1 => any::<bool>().prop_map(Event::PeerPort),
        1 => any::<bool>().prop_map(Event::Blackout),
        2 => (unit(), any::<bool>()).prop_map(|(unit, down)| Event::Crash { unit, down }),
        1 => name().prop_map(Event::DeleteUser),
        1 => name().prop_map(Event::DeleteRole),
        1 => (name(), 0..PREFIXES.len()).prop_map(|(name, prefix)| Event::AddPermission(name, prefix)),
        1 => name().prop_map(Event::TakePermissions),
        1 => name().prop_map(Event::AddRole),
        1 => name().prop_map(Event::MakeByHand),
    ]
}
