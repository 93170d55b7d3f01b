//! Where the client certificate comes from.

use certificates::Timestamp;
use data_requirer::{Identity, RequirerError, SignedAnswer, SignedIdentity};
use juju_hooks::{AppName, Endpoint, Event, Hook, Relation, RelationChange, Tools};

use crate::options::common_name;

/// The endpoint over which somebody else signs it.
const CERTIFICATES: Endpoint = Endpoint("certificates");

/// How far the certificate is.
pub(crate) enum Source {
    /// There is nobody to ask: the charm makes it.
    Own,
    /// It is signed.
    Signed(Identity),
    /// The application that signs it has not answered, or with a reason.
    Unsigned(AppName, Option<String>),
}

/// Asks for a certificate where there is somebody to ask, whether or not there is an
/// etcd to use it with.
pub(crate) fn go(tools: &Tools, hook: &Hook, now: Timestamp) -> Result<Source, RequirerError> {
    // The metadata allows one.
    let Some(relation) = tools.relation_ids(CERTIFICATES)?.pop() else {
        return Ok(Source::Own);
    };
    let signed = SignedIdentity::new(tools, hook, relation, now);
    signed.publish(&common_name(hook, relation.id))?;
    Ok(match signed.answer()? {
        SignedAnswer::Ready(identity) => Source::Signed(identity),
        SignedAnswer::Pending => Source::Unsigned(tools.remote_app(relation)?, None),
        SignedAnswer::Refused(reason) => {
            Source::Unsigned(tools.remote_app(relation)?, Some(reason))
        }
    })
}

/// In the hook that ends the relation, the key goes.
pub(crate) fn withdraw(tools: &Tools, hook: &Hook, now: Timestamp) -> Result<(), RequirerError> {
    match &hook.event {
        Event::Relation(event)
            if event.endpoint == CERTIFICATES.0 && event.change == RelationChange::Broken =>
        {
            let relation = Relation {
                endpoint: CERTIFICATES,
                id: event.id,
            };
            SignedIdentity::new(tools, hook, relation, now).withdraw()
        }
        _ => Ok(()),
    }
}
