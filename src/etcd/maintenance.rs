//! What an operator maintains: alarms, size, history.

use etcd_client::{AlarmAction, AlarmOptions, AlarmType, CompactionOptions, GetOptions};

use super::{Client, EtcdError};
use crate::facts::{Alarm, AlarmKind, Compaction, MemberDetails, MemberId, MemberStatus};

impl Client {
    /// The alarms that are raised, of all members.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn alarms(&self) -> Result<Vec<Alarm>, EtcdError> {
        let mut client = self.inner.maintenance_client();
        // No type stands for all of them.
        let answer = self
            .call_repeatable("list alarms", async || {
                client.alarm(AlarmAction::Get, AlarmType::None, None).await
            })
            .await?;
        let alarms = answer.alarms().iter().map(|alarm| Alarm {
            member: MemberId(alarm.member_id()),
            kind: match alarm.alarm() {
                AlarmType::Nospace => AlarmKind::NoSpace,
                AlarmType::Corrupt => AlarmKind::Corrupt,
                AlarmType::None => AlarmKind::Other,
            },
        });
        Ok(alarms.collect())
    }
    /// Lowers an alarm; that it is not raised is success. etcd raises it again
    /// if its cause is still there. One of a kind that this revision of the charm
    /// does not know is left alone.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn disarm(&self, alarm: Alarm) -> Result<(), EtcdError> {
        let kind = match alarm.kind {
            AlarmKind::NoSpace => AlarmType::Nospace,
            AlarmKind::Corrupt => AlarmType::Corrupt,
            AlarmKind::Other => return Ok(()),
        };
        let mut options = AlarmOptions::new();
        options.with_member(alarm.member.0);
        let mut client = self.inner.maintenance_client();
        let call = format!("disarm {} of member {}", alarm.kind, alarm.member);
        self.call_repeatable(call, async || {
            client
                .alarm(AlarmAction::Deactivate, kind, Some(options.clone()))
                .await
        })
        .await
        .map(drop)
    }

    /// All that the member that answers says of itself.
    ///
    /// # Errors
    /// etcd failed the call, or its version is no version.
    pub async fn details(&self) -> Result<MemberDetails, EtcdError> {
        let mut client = self.inner.maintenance_client();
        let call = "get the status of the member";
        let answer = self.call(call, client.status()).await?;
        let header = answer.header();
        let number = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(MemberDetails {
            status: MemberStatus {
                member: MemberId(header.map_or(0, |header| header.member_id())),
                leader: Some(MemberId(answer.leader())).filter(|id| id.0 != 0),
                version: answer
                    .version()
                    .parse()
                    .map_err(|error| EtcdError::Client {
                        call: call.to_owned(),
                        reason: format!("{error}"),
                    })?,
                learner: answer.is_learner(),
                alarms: MemberDetails::alarms_in(answer.errors()),
            },
            size: number(answer.db_size()),
            // The crate's name for `dbSizeInUse`.
            in_use: number(answer.raft_used_db_size()),
            quota: Some(number(answer.db_size_quota())).filter(|quota| *quota > 0),
            revision: header.map_or(0, |header| number(header.revision())),
            errors: answer.errors().to_vec(),
        })
    }

    /// Reads something that needs the agreement of the cluster, as every read of
    /// a client does: a member that answers this serves.
    ///
    /// # Errors
    /// The member does not serve.
    pub async fn agrees(&self) -> Result<(), EtcdError> {
        let mut client = self.inner.kv_client();
        let options = GetOptions::new().with_count_only();
        let read = client.get(self.keys.root(), Some(options));
        self.call("read through the member", read).await.map(drop)
    }

    /// Drops the history before a revision, on all members. `physical` waits
    /// until the member that answers has done the work.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn compact(&self, revision: u64, physical: bool) -> Result<Compaction, EtcdError> {
        let Ok(number) = i64::try_from(revision) else {
            return Ok(Compaction::Future);
        };
        let options = match physical {
            true => CompactionOptions::new().with_physical(),
            false => CompactionOptions::new(),
        };
        let mut client = self.inner.kv_client();
        let compacted = self
            .call_repeatable(format!("compact up to revision {revision}"), async || {
                client.compact(number, Some(options.clone())).await
            })
            .await;
        match compacted {
            Ok(_) => Ok(Compaction::Done),
            Err(error) if error.says(&["has been compacted"]) => Ok(Compaction::Already),
            Err(error) if error.says(&["is a future revision"]) => Ok(Compaction::Future),
            Err(error) => Err(error),
        }
    }

    /// Gives the free space of the database file of the member that answers
    /// back to its disk. The member answers nothing else meanwhile.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn defragment(&self) -> Result<(), EtcdError> {
        let mut client = self.inner.maintenance_client();
        self.call("defragment the member", client.defragment())
            .await
            .map(drop)
    }
}
