//! A whole charm that uses etcd: its metadata has an endpoint `etcd` of interface
//! `etcd_client`, and it is packed as `dispatch`.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use data_requirer::{
    Answer, CertificatePolicy, ClientCertificate, Credentials, Dialect, ETCD_CLIENT, Requirer, Wish,
};
use juju_hooks::{Endpoint, Environment, Event, Hook, Relation, RelationChange, StatusName, Tools};

const ETCD: Endpoint = Endpoint("etcd");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hook = Hook::read(&Environment::of_process())?;
    let private = PathBuf::from("/run").join(hook.unit.to_string().replace('/', "-"));
    let tools = Tools::new(&hook.search_path, &private)?;
    let now = SystemTime::now().into();

    if let Event::Relation(event) = &hook.event
        && event.endpoint == ETCD.0
        && event.change == RelationChange::Broken
    {
        let relation = Relation {
            endpoint: ETCD,
            id: event.id,
        };
        Requirer::new(&tools, &hook, relation, &ETCD_CLIENT, Dialect::V1, now).withdraw()?;
    }
    let Some(relation) = tools.relation_ids(ETCD)?.pop() else {
        tools.status_set(StatusName::Blocked, "integrate etcd with this application")?;
        return Ok(());
    };
    let requirer = Requirer::new(&tools, &hook, relation, &ETCD_CLIENT, Dialect::V1, now);
    let wish = Wish {
        resource: format!("/{}/", hook.unit.app()),
        certificate: ClientCertificate::Made(CertificatePolicy {
            common_name: format!("{}-{}", hook.unit.app(), relation.id).parse()?,
            valid_seconds: 90 * 24 * 3600,
            renew_before_seconds: 30 * 24 * 3600,
        }),
    };
    requirer.publish(std::slice::from_ref(&wish))?;
    let (answer, identity) = (requirer.answer(&wish)?, requirer.identity(&wish)?);
    match (answer, identity) {
        (Answer::Ready(access), Some(identity)) => {
            for (certificate, key) in identity.pairs().take(1) {
                let credentials = Credentials {
                    ca: access.tls_ca.clone().unwrap_or_default(),
                    certificate: certificate.to_owned(),
                    key: key.clone(),
                };
                // Restart or reload the service here if this says so.
                credentials.save(Path::new("/etc/my-service/etcd"))?;
            }
            tools.status_set(StatusName::Active, &access.endpoints.join(","))?;
        }
        (Answer::Pending(missing), _) => {
            let text = format!("waiting for etcd: {missing}");
            tools.status_set(StatusName::Waiting, &text)?;
        }
        (_, None) => tools.status_set(StatusName::Waiting, "waiting for the leader")?,
    }
    Ok(())
}
