//! secret-add, secret-set, secret-grant, secret-revoke, secret-remove. All of
//! them are kept back until the hook exits 0.

use super::secret::{check_policies, content, uri};
use super::{Printed, RELATION, ToolError, leads, read, relation};
use crate::RelationId;
use crate::args::{Flag, Parsed, value};
use crate::context::{Context, Revoke, SecretCreate, SecretUpdate};
use crate::format::quote;
use crate::model::Model;
use crate::name::UnitName;
use crate::secret::{Grant, Owner, SecretUri, Subject};
use crate::wire::Request;

const FLAGS: [Flag; 6] = [
    value(&["owner"]),
    value(&["label"]),
    value(&["description"]),
    value(&["expire"]),
    value(&["rotate"]),
    value(&["file"]),
];

fn not_leader() -> ToolError {
    ToolError::run("this unit is not the leader")
}

pub(super) fn add(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &FLAGS)?;
    if parsed.positional.is_empty() && parsed.flag("file").is_none() {
        return Err(ToolError::usage("missing secret value or filename"));
    }
    check_policies(&parsed)?;
    let content = content(&parsed, &parsed.positional)?;
    if content.is_empty() {
        return Err(ToolError::usage("empty secret content not valid"));
    }
    let owner = if parsed.flag("owner") == Some("unit") {
        Owner::Unit(context.unit.clone())
    } else {
        if !leads(model, context) {
            return Err(not_leader());
        }
        Owner::Application(context.unit.application().to_owned())
    };
    let label = text(&parsed, "label");
    let repeated = context
        .pending
        .creates
        .iter()
        .any(|create| create.owner == owner && create.label == label);
    if !label.is_empty() && repeated {
        return Err(ToolError::run(format!(
            "secret with label {} already exists",
            quote(&label)
        )));
    }
    let id = model.random.secret_id();
    context.pending.creates.push(SecretCreate {
        id: id.clone(),
        owner,
        label,
        description: text(&parsed, "description"),
        rotate: parsed.flag("rotate").unwrap_or("never").to_owned(),
        expire: text(&parsed, "expire"),
        content,
    });
    let uuid = model.uuid_of(context.unit.application());
    Ok(format!("secret://{uuid}/{id}\n"))
}

fn text(parsed: &Parsed, flag: &str) -> String {
    parsed.flag(flag).unwrap_or_default().to_owned()
}

/// Whether the unit may manage the secret, as far as the tool can tell: `None`
/// means it knows of no such secret of its own. Only the commit tells the rest.
fn owned(model: &Model, context: &mut Context, uri: &SecretUri) -> Result<bool, ToolError> {
    if context
        .pending
        .creates
        .iter()
        .any(|create| create.id == uri.id)
    {
        return Ok(true);
    }
    let owner = model
        .find_secret(&context.unit, uri)
        .and_then(|id| model.secrets.get(&id))
        .map(|secret| &secret.owner);
    match owner {
        Some(Owner::Unit(unit)) => Ok(*unit == context.unit),
        Some(Owner::Application(application)) if application == context.unit.application() => {
            if leads(model, context) {
                Ok(true)
            } else {
                Err(not_leader())
            }
        }
        _ => Ok(false),
    }
}

/// A secret that is not owned is accepted here, and the hook fails at commit.
pub(super) fn set(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &FLAGS)?;
    let uri = uri(parsed.positional.first())?;
    check_policies(&parsed)?;
    let content = content(&parsed, &parsed.positional[1..])?;
    owned(model, context, &uri)?;
    let content = (!content.is_empty()).then_some(content);
    let flag = |name: &str| parsed.flag(name).map(ToOwned::to_owned);
    if let Some(create) = context
        .pending
        .creates
        .iter_mut()
        .find(|create| create.id == uri.id)
    {
        for (field, new) in [
            (&mut create.label, flag("label")),
            (&mut create.description, flag("description")),
            (&mut create.rotate, flag("rotate")),
            (&mut create.expire, flag("expire")),
        ] {
            *field = new.unwrap_or_else(|| std::mem::take(field));
        }
        create.content = content.unwrap_or_else(|| std::mem::take(&mut create.content));
        return Ok(String::new());
    }
    let updates = &mut context.pending.updates;
    let position = updates
        .iter()
        .position(|update| update.uri.id == uri.id)
        .unwrap_or_else(|| {
            updates.push(SecretUpdate {
                uri,
                label: None,
                description: None,
                rotate: None,
                expire: None,
                content: None,
            });
            updates.len() - 1
        });
    let update = &mut updates[position];
    for (field, new) in [
        (&mut update.label, flag("label")),
        (&mut update.description, flag("description")),
        (&mut update.rotate, flag("rotate")),
        (&mut update.expire, flag("expire")),
    ] {
        if new.is_some() {
            *field = new;
        }
    }
    if content.is_some() {
        update.content = content;
    }
    Ok(String::new())
}

/// Whom of the other application a grant is for.
fn subject(other: &str, unit: Option<&str>) -> Result<Subject, ToolError> {
    let Some(text) = unit else {
        return Ok(Subject::Application(other.to_owned()));
    };
    let Some(unit) = UnitName::parse(text) else {
        return Err(ToolError::usage(format!("unit {} not valid", quote(text))));
    };
    if unit.application() != other {
        let text = format!(
            "cannot specify unit {} in relation to application {}",
            quote(text),
            quote(other)
        );
        return Err(ToolError::usage(text));
    }
    Ok(Subject::Unit(unit))
}

/// The grants of a secret over one relation, those of this hook included.
fn grants_of(model: &Model, context: &Context, secret: &str, relation: RelationId) -> Vec<Grant> {
    let committed = model.secrets.get(secret);
    let committed = committed.into_iter().flat_map(|secret| &secret.grants);
    let pending = context.pending.grants.iter();
    let pending = pending.filter(|(other, _)| other.id == secret);
    committed
        .chain(pending.map(|(_, grant)| grant))
        .filter(|grant| grant.relation == relation)
        .cloned()
        .collect()
}

pub(super) fn grant(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[RELATION, value(&["unit"])])?;
    let uri = uri(parsed.positional.first())?;
    let Some(id) = relation(model, context, &parsed)?.filter(|_| parsed.flag("relation").is_some())
    else {
        return Err(ToolError::usage("no relation id specified"));
    };
    let other = model.relation(id).other(context.unit.application());
    let subject = subject(other, parsed.flag("unit"))?;
    parsed.at_most(1)?;
    if !owned(model, context, &uri)? {
        return Err(ToolError::run(format!(
            "secret {} not found",
            quote(&uri.id)
        )));
    }
    let here = grants_of(model, context, &uri.id, id);
    let any_unit = here
        .iter()
        .any(|grant| matches!(grant.subject, Subject::Unit(_)));
    let any_app = here
        .iter()
        .any(|grant| matches!(grant.subject, Subject::Application(_)));
    match &subject {
        Subject::Application(_) if any_unit => {
            let text = "any unit level grants need to be revoked before granting access to the corresponding application";
            return Err(ToolError::run(text));
        }
        Subject::Unit(_) if any_app => return Ok(String::new()),
        _ => {}
    }
    let grant = Grant {
        subject,
        relation: id,
    };
    if !here.contains(&grant) {
        context.pending.grants.push((uri, grant));
    }
    Ok(String::new())
}

pub(super) fn revoke(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[RELATION, value(&["app"]), value(&["unit"])])?;
    let uri = uri(parsed.positional.first())?;
    let id = relation(model, context, &parsed)?.filter(|_| parsed.flag("relation").is_some());
    let revoke = match (id, parsed.flag("app"), parsed.flag("unit")) {
        (_, Some(_), Some(_)) => {
            return Err(ToolError::usage("specify only one of application or unit"));
        }
        (Some(_), Some(_), _) => {
            return Err(ToolError::usage("do not specify both relation and app"));
        }
        (None, None, None) => {
            return Err(ToolError::usage("missing relation or application or unit"));
        }
        (_, Some(application), None) => {
            Revoke::Subject(Subject::Application(application.to_owned()))
        }
        (_, None, Some(text)) => {
            let unit = UnitName::parse(text);
            let unit =
                unit.ok_or_else(|| ToolError::usage(format!("unit {} not valid", quote(text))))?;
            Revoke::Subject(Subject::Unit(unit))
        }
        (Some(id), None, None) => Revoke::Relation(id),
    };
    parsed.at_most(1)?;
    if !owned(model, context, &uri)? {
        return Err(ToolError::run(format!(
            "secret {} not found",
            quote(&uri.id)
        )));
    }
    context.pending.revokes.push((uri, revoke));
    Ok(String::new())
}

pub(super) fn remove(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[value(&["revision"])])?;
    let uri = uri(parsed.positional.first())?;
    let revision = match parsed.spelled("revision") {
        None => None,
        Some((flag, text)) => Some(text.parse().map_err(|_| {
            let why = format!("strconv.ParseInt: parsing {}: invalid syntax", quote(text));
            ToolError::usage(format!(
                "invalid value {} for option {flag}: {why}",
                quote(text)
            ))
        })?),
    };
    parsed.at_most(1)?;
    owned(model, context, &uri)?;
    // Whatever this hook wanted with the secret before is off.
    let id = &uri.id;
    let made_here = context
        .pending
        .creates
        .iter()
        .any(|create| create.id == *id);
    context.pending.creates.retain(|create| create.id != *id);
    context
        .pending
        .updates
        .retain(|update| update.uri.id != *id);
    context.pending.grants.retain(|(other, _)| other.id != *id);
    if !made_here {
        context.pending.removes.push((uri, revision));
    }
    Ok(String::new())
}
