//! What is said over relations: to clients, and among our own units.

pub mod ledger;
pub mod wire;

use juju_hooks::Endpoint;

/// The endpoint for clients.
pub const CLIENTS: Endpoint = Endpoint("valkey-client");
/// The endpoint among the units.
pub const PEERS: Endpoint = Endpoint("members");
