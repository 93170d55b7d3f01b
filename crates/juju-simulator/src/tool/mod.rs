//! The hook tools: what each prints, writes and refuses (Juju's `jujuc/*.go`).

mod action;
mod leadership;
mod log;
mod network;
mod ports;
mod relation;
pub(crate) mod secret;
mod secret_info;
mod secret_read;
mod secret_write;
mod settings;
mod settings_file;
mod state;
mod status;
mod storage;

use serde_json::Value;

use self::settings_file::{settings_file, yaml_strings};
use crate::args::{Flag, Parsed, parse, value};
use crate::context::Context;
use crate::format::{Format, quote};
use crate::model::{JujuVersion, Model};
use crate::name::RelationId;
use crate::wire::{Reply, Request};

/// Why a tool failed: a command line it cannot take (exit code 2) or an error
/// while it ran (exit code 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToolError {
    code: i32,
    text: String,
}

impl ToolError {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self {
            code: 2,
            text: text.into(),
        }
    }

    pub(crate) fn run(text: impl Into<String>) -> Self {
        Self {
            code: 1,
            text: text.into(),
        }
    }
}

/// What a tool prints to standard output.
pub(crate) type Printed = Result<String, ToolError>;

type Tool = fn(&mut Model, &mut Context, &Request) -> Printed;

fn find(name: &str, version: JujuVersion) -> Option<Tool> {
    Some(match name {
        "action-fail" => action::fail,
        "action-get" => action::get,
        "action-log" => action::log,
        "action-set" => action::set,
        "application-version-set" => status::version_set,
        "close-port" => ports::close,
        "config-get" => settings::config_get,
        "credential-get" => settings::credential_get,
        "goal-state" => settings::goal_state,
        "is-leader" => leadership::is_leader,
        "juju-log" => log::juju_log,
        "juju-reboot" => log::juju_reboot,
        "leader-get" if version == JujuVersion::V3_6 => leadership::leader_get,
        "leader-set" if version == JujuVersion::V3_6 => leadership::leader_set,
        "network-get" => network::network_get,
        "open-port" => ports::open,
        "opened-ports" => ports::opened,
        "relation-get" => relation::get,
        "relation-ids" => relation::ids,
        "relation-list" => relation::list,
        "relation-model-get" => relation::model_get,
        "relation-set" => relation::set,
        "resource-get" => storage::resource_get,
        "secret-add" => secret_write::add,
        "secret-get" => secret_read::get,
        "secret-grant" => secret_write::grant,
        "secret-ids" => secret_read::ids,
        "secret-info-get" => secret_info::info_get,
        "secret-remove" => secret_write::remove,
        "secret-revoke" => secret_write::revoke,
        "secret-set" => secret_write::set,
        "state-delete" => state::delete,
        "state-get" => state::get,
        "state-set" => state::set,
        "status-get" => status::get,
        "status-set" => status::set,
        "storage-add" => storage::add,
        "storage-get" => storage::get,
        "storage-list" => storage::list,
        "unit-get" => network::unit_get,
        _ => return None,
    })
}

/// Whether a call of the tool changes something in the model, at once or at commit.
pub(crate) fn writes(tool: &str, args: &[String]) -> bool {
    match tool {
        "secret-get" => {
            args.iter()
                .any(|arg| arg == "--refresh" || arg.starts_with("--label"))
                && args.len() > 2
        }
        _ => matches!(
            tool,
            "action-fail"
                | "action-set"
                | "application-version-set"
                | "close-port"
                | "juju-reboot"
                | "leader-set"
                | "open-port"
                | "relation-set"
                | "secret-add"
                | "secret-grant"
                | "secret-remove"
                | "secret-revoke"
                | "secret-set"
                | "state-delete"
                | "state-set"
                | "status-set"
                | "storage-add"
        ),
    }
}

pub(crate) fn call(model: &mut Model, context: &mut Context, request: &Request) -> Reply {
    let Some(tool) = find(&request.tool, model.options.version) else {
        let stderr = format!(
            "ERROR bad request: unknown hook command: {}\n",
            request.tool
        );
        return Reply {
            code: 1,
            stdout: Vec::new(),
            stderr: stderr.into_bytes(),
        };
    };
    match tool(model, context, request) {
        Ok(stdout) => Reply {
            code: 0,
            stdout: stdout.into_bytes(),
            stderr: Vec::new(),
        },
        Err(ToolError { code: HELP, text }) => Reply {
            code: 0,
            stdout: text.into_bytes(),
            stderr: Vec::new(),
        },
        Err(ToolError { code, text }) => Reply {
            code,
            stdout: Vec::new(),
            stderr: format!("ERROR {text}\n").into_bytes(),
        },
    }
}

/// Marks the way out of a tool that only prints its help.
const HELP: i32 = -1;

const FORMAT: Flag = value(&["format"]);
const OUTPUT: Flag = value(&["output", "o"]);
const RELATION: Flag = value(&["relation", "r"]);

/// Reads the command line; `--help` ends the tool with success.
fn read(request: &Request, flags: &[Flag]) -> Result<Parsed, ToolError> {
    let parsed = parse(&request.args, flags)?;
    if parsed.help {
        return Err(ToolError {
            code: HELP,
            text: format!("Usage: {} [options]\n", request.tool),
        });
    }
    Ok(parsed)
}

/// Prints a value in the wanted format, or writes it to the `--output` file,
/// which the agent does relative to the caller's directory.
fn print(request: &Request, parsed: &Parsed, default: Format, result: &Value) -> Printed {
    let format = match parsed.spelled("format") {
        None => default,
        Some((flag, text)) => Format::parse(text).ok_or_else(|| {
            ToolError::usage(format!(
                "invalid value {} for option {flag}: unknown format {}",
                quote(text),
                quote(text)
            ))
        })?,
    };
    let text = format.write(result);
    let Some(file) = parsed.flag("output") else {
        return Ok(text);
    };
    std::fs::write(std::path::Path::new(&request.directory).join(file), text)
        .map_err(|error| ToolError::run(error.to_string()))?;
    Ok(String::new())
}

/// The relation of `-r`, else that of the hook. Juju takes the digits after the
/// last colon (`jujuc/context.go` relationIdValue); strict models also compare
/// the endpoint, so that a charm passes with either reading.
fn relation(
    model: &Model,
    context: &Context,
    parsed: &Parsed,
) -> Result<Option<RelationId>, ToolError> {
    let Some((flag, text)) = parsed.spelled("relation") else {
        return Ok(context.relation);
    };
    let refuse = |why: &str| {
        ToolError::usage(format!(
            "invalid value {} for option {flag}: {why}",
            quote(text)
        ))
    };
    let (endpoint, digits) = text
        .rsplit_once(':')
        .map_or((None, text), |(endpoint, digits)| (Some(endpoint), digits));
    let number: u32 = digits.parse().map_err(|_| refuse("invalid relation id"))?;
    let id = RelationId(number);
    let known = model.unit(&context.unit).agent.relations.contains_key(&id);
    let Some(relation) = model.relations.get(&id).filter(|_| known) else {
        return Err(refuse("relation not found"));
    };
    let own = relation.endpoint(context.unit.application());
    if model.options.strict_endpoints && endpoint.is_some_and(|endpoint| endpoint != own) {
        return Err(refuse("relation not found"));
    }
    Ok(Some(id))
}

fn wanted_relation(
    model: &Model,
    context: &Context,
    parsed: &Parsed,
) -> Result<RelationId, ToolError> {
    relation(model, context, parsed)?.ok_or_else(|| ToolError::usage("no relation id specified"))
}

/// Whether the unit leads. Once false in a hook it stays false in it, even if
/// the unit becomes leader meanwhile (Juju's `context/leader.go`).
fn leads(model: &Model, context: &mut Context) -> bool {
    context.not_leader |= !model.is_leader(&context.unit);
    !context.not_leader
}
