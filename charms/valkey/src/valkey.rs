//! Valkey's servers and sentinels, as a client speaks with them.

mod account;
mod at_once;
mod connection;
mod error;
mod resp;
mod sentinel;
mod server;

pub use account::{Account, accounts};
pub use at_once::{at_once, both};
pub use connection::{Address, Connection, Login, Target};
pub use error::ValkeyError;
pub use resp::Value;
pub use sentinel::{Monitored, NAME, Seen};
pub use server::{Link, Role};
