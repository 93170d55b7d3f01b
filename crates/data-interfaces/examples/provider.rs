//! Answers one request of a requirer, as the leader of a provider does.

use std::collections::BTreeMap;

use data_interfaces::provider::{self, Response};
use data_interfaces::{Field, Interface};
use juju_hooks::Databag;

const DATABASE_CLIENT: Interface = Interface {
    resource_key: "database",
    has_client_certificate: false,
    v0_tls: ["False", "True"],
    fields: &[Field::READ_ONLY_ENDPOINTS],
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `juju_hooks::Tools` reads both databags.
    let remote = Databag::from([("database".to_owned(), "orders".to_owned())]);
    let own = Databag::new();

    let Some(requests) = provider::read::<String>(&DATABASE_CLIENT, &remote)? else {
        return Ok(());
    };
    let mut responses = Vec::new();
    for entry in &requests.requests {
        let Ok(request) = &entry.outcome else {
            continue;
        };
        responses.push(Response {
            request: entry.request.clone(),
            correlation: request.correlation.clone(),
            endpoints: vec!["10.0.0.1:5432".to_owned()],
            version: "16.4".to_owned(),
            // Made with `Tools::secret_add` and granted to the relation before.
            secret_user: "secret:dp9n0q3bkjhgqjlot0na".parse()?,
            secret_tls: "secret:d4gcn48lf6uro2adu250".parse()?,
            fields: BTreeMap::from([(Field::READ_ONLY_ENDPOINTS, "10.0.0.2:5432".to_owned())]),
        });
    }
    let wanted = provider::write(&requests, &responses);
    // `Tools::relation_set` takes what is left to change.
    let changes = provider::changes(&DATABASE_CLIENT, &own, &wanted);
    assert_eq!(changes["endpoints"].as_deref(), Some("10.0.0.1:5432"));
    Ok(())
}
