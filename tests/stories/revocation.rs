//! A client that is removed has no access any more, and neither has one with a
//! certificate that was replaced.
//!
//! What is promised, and held here with clusters of one and of three:
//!
//! - From the end of the leader's hook that removes a client on, no request of
//!   it succeeds, on any member: its user is gone.
//! - A watch that it had open ends on the leader's member in that hook, and on
//!   the others in the hook that the peer relation then causes, without a
//!   restart: the kernel ends the connections of clients. So it is with a prefix
//!   that is given up, and with credentials that an operator takes back. Where the
//!   kernel does not offer that, the bound is the next full pass of a member's
//!   unit, an `update-status` at the latest, which restarts it.
//! - A replaced certificate is refused, in the handshake, once the hooks that
//!   its replacement led to have run.
//! - While any member trusts a removed certificate its name is nobody else's,
//!   so that an old certificate never acts as a new user.

pub(crate) mod names;
mod probe;
pub(crate) mod removal;
mod support;
pub(crate) mod watches;
