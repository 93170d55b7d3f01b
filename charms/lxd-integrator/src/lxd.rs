//! LXD's REST API, as far as it is needed: who the server is, and its trust
//! store. Nothing in here knows Juju.

mod api;
mod connect;
mod error;
mod pin;

pub use connect::Client;
pub use error::LxdError;
