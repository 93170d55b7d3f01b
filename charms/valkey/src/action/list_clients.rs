//! `list-clients`: who has access to what, and what was refused.

use juju_hooks::ActionResults;

use super::ActionFailure;
use crate::reconcile::Run;
use crate::relation::ledger::Ledger;

pub(super) fn run(run: &Run, results: &mut ActionResults) -> Result<(), ActionFailure> {
    let ledger = &run.juju.ledger;
    for (relation, access) in &ledger.clients {
        let client = run.juju.relations.get(relation);
        let app = client.and_then(|client| client.app.as_ref());
        for (request, granted) in &access.grants {
            let name = Ledger::user_name(*relation, request);
            let mut set = |key, text: String| results.set(&[&name, key], text);
            if let Some(app) = app {
                set("application", app.to_string());
            }
            set("pattern", granted.pattern.to_string());
            set("told", (!access.told.is_empty()).to_string());
            if let Some(retiring) = &granted.retiring {
                set("old-password-until", retiring.until.to_string());
            }
        }
    }
    for (relation, said) in &ledger.notices {
        let texts: Vec<_> = said.iter().map(|said| said.text.as_str()).collect();
        results.set(&["notices", &relation.to_string()], texts.join("; "));
    }
    results.set(&["count"], ledger.users().count().to_string());
    Ok(())
}
