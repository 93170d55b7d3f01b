//! What an operator maintains: alarms, size, history.

use etcd_client::{AlarmAction, AlarmType};

use super::{Client, EtcdError};
use crate::model::{Alarm, AlarmKind};

impl Client {
    /// The alarms that are raised, of all members.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn alarms(&self) -> Result<Vec<Alarm>, EtcdError> {
        let mut client = self.inner.maintenance_client();
        // No type stands for all of them.
        let list = client.alarm(AlarmAction::Get, AlarmType::None, None);
        let answer = self.call("list alarms", list).await?;
        let alarms = answer.alarms().iter().map(|alarm| Alarm {
            member: alarm.member_id(),
            kind: match alarm.alarm() {
                AlarmType::Nospace => AlarmKind::NoSpace,
                AlarmType::Corrupt => AlarmKind::Corrupt,
                AlarmType::None => AlarmKind::Other,
            },
        });
        Ok(alarms.collect())
    }
}
