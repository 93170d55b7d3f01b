//! Alarms, raised without their cause: what etcd does then is the same, and no
//! disk has to be filled.

use etcd_client::{
    AlarmAction, AlarmOptions, AlarmType, Certificate, Client, ConnectOptions, Identity, TlsOptions,
};
use juju_simulator::UnitName;

use crate::world::World;

impl World {
    /// Raises an alarm (`NOSPACE` or `CORRUPT`) of a unit's member, as the
    /// administrator may.
    ///
    /// # Panics
    /// Panics if etcd refuses.
    pub fn raise_alarm(&self, unit: &UnitName, alarm: &str) {
        let kind = match alarm {
            "NOSPACE" => AlarmType::Nospace,
            "CORRUPT" => AlarmType::Corrupt,
            other => panic!("no alarm is called {other}"),
        };
        let pki = self.pki(unit);
        let read = |name: &str| std::fs::read(pki.join(name)).expect("the unit has certificates");
        let tls = TlsOptions::new()
            .ca_certificate(Certificate::from_pem(read("server-ca.crt")))
            .identity(Identity::from_pem(read("admin.crt"), read("admin.key")));
        let raised = async {
            let options = ConnectOptions::new().with_tls(tls);
            let mut client = Client::connect([self.url(unit)], Some(options)).await?;
            let status = client.status().await?;
            let member = status.header().map_or(0, |header| header.member_id());
            let mut options = AlarmOptions::new();
            options.with_member(member);
            let raise = client.alarm(AlarmAction::Activate, kind, Some(options));
            raise.await
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        runtime.block_on(raised).expect("etcd takes an alarm");
    }
}
