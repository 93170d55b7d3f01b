//! A model for the tests of plans.

use std::collections::BTreeMap;
use std::net::IpAddr;

use certificates::Timestamp;
use juju_hooks::UnitName;
use serde_json::Map;

use super::answer::TLS_PORT;
use crate::facts::{Juju, Known, Member, Node, Nodes, Scope, Server};
use crate::plan::options::Options;
use crate::relation::ledger::{Appointment, Ledger};
use crate::valkey::{Address, Link, Monitored, Role};

pub(crate) fn unit(number: u8) -> UnitName {
    format!("valkey/{number}").parse().expect("a unit")
}

pub(crate) fn host(number: u8) -> IpAddr {
    [10, 0, 0, number].into()
}

pub(crate) fn address(number: u8) -> Address {
    Address {
        host: host(number),
        port: TLS_PORT,
    }
}

/// This unit is number 1; all of these are members, and have joined.
pub(crate) fn juju(members: &[u8]) -> Juju {
    let member = |number: &u8| {
        let member = Member {
            address: Some(host(*number)),
            joined: true,
            step: None,
            sees: String::new(),
            restart: None,
        };
        (unit(*number), member)
    };
    Juju {
        now: Timestamp(0),
        unit: unit(1),
        model: "9d39bbbe-d95a-405d-8573-6835864daf92"
            .parse()
            .expect("a UUID"),
        leader: true,
        options: Options::read(&Map::new(), None),
        address: Some(host(1)),
        storage: None,
        peers: None,
        members: members.iter().map(member).collect(),
        ledger: Ledger {
            appointment: Some(Appointment {
                epoch: 1,
                address: host(1),
            }),
            ..Ledger::default()
        },
        own: None,
        scope: Scope::All,
        relations: BTreeMap::new(),
    }
}

/// A node that has come so far, and whose sentinel names this primary.
pub(crate) fn node(role: Role, names: u8) -> Node {
    Node {
        server: Known::Known(Server {
            role,
            version: "9.1.2".to_owned(),
        }),
        sentinel: Known::Known(Some(Monitored {
            primary: address(names),
            epoch: 1,
            quorum: 2,
            sentinels: Vec::new(),
            replicas: Vec::new(),
        })),
    }
}

pub(crate) fn away() -> Node {
    Node {
        server: Known::Unknown("away".to_owned()),
        sentinel: Known::Unknown("away".to_owned()),
    }
}

pub(crate) fn is_primary(offset: u64) -> Role {
    Role::Primary {
        offset,
        replicas: Vec::new(),
    }
}

pub(crate) fn follows(number: u8, offset: u64) -> Role {
    Role::Replica {
        of: address(number),
        offset,
        link: Link::Up,
    }
}

pub(crate) fn nodes(all: [Node; 3]) -> Nodes {
    (1..).map(unit).zip(all).collect()
}
