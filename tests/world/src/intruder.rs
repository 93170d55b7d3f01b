//! A client that wants more than it was granted, and talks to etcd as no library
//! of a requirer would.

use etcd_client::{
    AlarmAction, AlarmOptions, AlarmType, Certificate as Authority, Client, ConnectOptions,
    Identity, TlsOptions,
};
use juju_simulator::UnitName;
use tokio::runtime::Runtime;

use crate::client::Certificate;
use crate::world::World;

/// A connection of somebody with a certificate.
pub struct Intruder {
    runtime: Runtime,
    client: Client,
}

impl World {
    /// Connects to the member of a unit with this certificate.
    ///
    /// # Panics
    /// Panics if there is no connection.
    pub fn intruder(&self, unit: &UnitName, shown: &Certificate) -> Intruder {
        let authority = std::fs::read(self.pki(unit).join("server-ca.crt"));
        let tls = TlsOptions::new()
            .ca_certificate(Authority::from_pem(
                authority.expect("there is an authority"),
            ))
            .identity(Identity::from_pem(&shown.certificate, &shown.key));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let options = ConnectOptions::new().with_tls(tls);
        let client = runtime
            .block_on(Client::connect([self.url(unit)], Some(options)))
            .expect("the member lets it in");
        Intruder { runtime, client }
    }
}

impl Intruder {
    /// Raises an alarm (`NOSPACE` or `CORRUPT`) of the member that answers, or of one
    /// that there is not, and in the same breath gives a user the role `root`.
    /// Whether etcd did both.
    ///
    /// # Panics
    /// Panics if there is no such alarm.
    pub fn raise_and_become_root(&mut self, alarm: &str, is_of_member: bool, user: &str) -> bool {
        let kind = match alarm {
            "NOSPACE" => AlarmType::Nospace,
            "CORRUPT" => AlarmType::Corrupt,
            other => panic!("no alarm is called {other}"),
        };
        let client = &self.client;
        self.runtime.block_on(async {
            let mut options = AlarmOptions::new();
            if is_of_member {
                let status = client.maintenance_client().status().await;
                let status = status.expect("any client may ask");
                options.with_member(status.header().map_or(0, |header| header.member_id()));
            } else {
                options.with_member(1);
            }
            let mut maintenance = client.maintenance_client();
            let mut auth = client.auth_client();
            let raise = maintenance.alarm(AlarmAction::Activate, kind, Some(options));
            let grant = auth.user_grant_role(user, "root");
            let (raised, granted) = tokio::join!(raise, grant);
            raised.is_ok() && granted.is_ok()
        })
    }
}
