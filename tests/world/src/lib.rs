//! A world for the charm to live in: a simulated Juju model, a pretend machine
//! for each unit, a real etcd on a loopback address, clients with real
//! certificates, and `etcdctl` as the judge of what etcd lets them do.
//!
//! Nothing in here knows the charm's code. What it did is read from Juju and
//! from etcd, through programs that are not ours.

mod alarm;
mod client;
mod credentials;
mod etcdctl;
mod hygiene;
mod intruder;
mod key_value;
mod older;
mod programs;
mod provider;
mod raft;
mod requirer;
mod signing;
mod told;
mod version_1;
mod world;
mod writer;

pub use client::{Certificate, ClientAuthority, Kind};
pub use credentials::Credentials;
pub use etcdctl::{Answer, Etcdctl};
pub use intruder::Intruder;
pub use juju_simulator as juju;
pub use juju_simulator::{ActionResult, Change, HookRun, JujuVersion, RelationId, UnitName};
pub use juju_simulator::{machine, run_as_tool};
pub use key_value::KeyValue;
pub use older::Older;
pub use programs::Programs;
pub use provider::{Provider, ProviderAuthority};
pub use requirer::{Request, V0, V1};
pub use signing::{Signing, SigningRequest};
pub use told::Told;
pub use world::{World, WorldOptions, service_of, writes};
pub use writer::{Writer, Written};
