//! Every text that an operator reads: statuses, the results of actions, steps of a
//! plan in words. Pure: made from what was observed and planned.

pub mod access;
pub mod alarms;
pub mod clients;
mod clients_table;
mod command;
pub mod health;
pub mod identities;
pub mod preview;
pub mod reasons;
pub mod rotation;
pub mod status;
pub mod steps;
mod table;

pub use clients_table::show as show_clients;
pub use command::operator_command;
pub use table::table;

use crate::plan::Report;

/// What is allowed and still worth a line in the log.
pub fn remarks(report: &Report) -> Vec<String> {
    let overlaps = report.overlaps.iter();
    overlaps
        .map(|(who, request, overlap)| format!("{who} (relation {request}): {overlap}"))
        .collect()
}
