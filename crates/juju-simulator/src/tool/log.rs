//! juju-log and juju-reboot.

use super::{Printed, ToolError, read};
use crate::args::{switch, value};
use crate::context::Context;
use crate::format::quote;
use crate::model::Model;
use crate::wire::Request;

pub(super) fn juju_log(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(
        request,
        &[
            value(&["log-level", "l"]),
            switch(&["debug"]),
            value(&["format"]),
        ],
    )?;
    if parsed.positional.is_empty() {
        return Err(ToolError::usage("no message specified"));
    }
    let wanted = parsed.flag("log-level").unwrap_or("INFO").to_uppercase();
    let known = ["TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
    let level = if parsed.is_set("debug") {
        "DEBUG".to_owned()
    } else if known.contains(&wanted.as_str()) {
        wanted
    } else {
        let text = format!("Specified log level of {} is not valid", quote(&wanted));
        context.log.push(("WARNING".to_owned(), text));
        "INFO".to_owned()
    };
    let relation = context.relation.and_then(|id| model.relations.get(&id));
    let prefix = relation.map(|relation| {
        format!(
            "{}:{}: ",
            relation.endpoint(context.unit.application()),
            relation.id
        )
    });
    let message = format!(
        "{}{}",
        prefix.unwrap_or_default(),
        parsed.positional.join(" ")
    );
    context.log.push((level, message));
    Ok(String::new())
}

pub(super) fn juju_reboot(_model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[switch(&["now"])])?;
    parsed.at_most(0)?;
    if context.action.is_some() {
        return Err(ToolError::run(
            "juju-reboot is not supported when running an action.",
        ));
    }
    context.pending.reboot = true;
    Ok(String::new())
}
