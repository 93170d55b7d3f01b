//! What the members' answers amount to: an assessment that says what is so and what
//! to do, and the figures behind it.

mod figures;

pub use figures::figures;

use std::collections::BTreeSet;
use std::time::Duration;

use super::alarms::{GONE, sentence};
use super::reasons;
use crate::facts::{
    Alarm, Answer, AppName, Health, Member, MemberDetails, MemberHealth, MemberId, Version,
};
use crate::plan::advisory::{self, open_advisories};
use crate::plan::alarm::Raised;
use crate::plan::serving::Signer;

/// What it amounts to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Assessment {
    /// Whether nobody has to do anything.
    pub is_healthy: bool,
    /// What is so, and what to do if something has to be done.
    pub sentence: String,
}

impl MemberHealth {
    /// What it is called where people read of it: by its unit, if it is of one.
    pub fn called(&self, app: &AppName) -> String {
        let named = Member {
            name: self.name.clone(),
            ..self.member.clone()
        };
        named.called(app)
    }

    /// What programs find it by: its name, or else its address, of which only
    /// letters and digits can be part of a key.
    pub fn key(&self) -> String {
        if let Some(name) = &self.name {
            return name.to_string();
        }
        let url = self.member.peer_urls.first().map_or("", String::as_str);
        let words = url
            .trim_start_matches("https://")
            .split(|c: char| !c.is_ascii_alphanumeric());
        let words = words.filter(|word| !word.is_empty());
        let key: Vec<_> = ["at"].into_iter().chain(words).collect();
        key.join("-").to_ascii_lowercase()
    }

    /// How it is, if it answers.
    pub fn details(&self) -> Option<&MemberDetails> {
        match &self.answer {
            Answer::Unreachable(_) => None,
            Answer::Answers(details, _) => Some(details),
        }
    }

    /// Why it does not do what a member should, if so. One that learns does all
    /// that it can.
    pub fn problem(&self) -> Option<String> {
        match &self.answer {
            Answer::Unreachable(reason) => Some(reasons::silence(reason)),
            Answer::Answers(_, Err(reason)) if !self.member.learner => {
                Some(reasons::no_read(reason))
            }
            Answer::Answers(..) => None,
        }
    }

    /// Whether it was added and has never been up yet.
    fn is_starting(&self) -> bool {
        self.member.learner && self.member.name.is_none()
    }

    /// How long a client waits for a read, at least.
    pub fn round_trip(&self) -> Option<Duration> {
        match &self.answer {
            Answer::Answers(_, round_trip) => round_trip.as_ref().ok().copied(),
            Answer::Unreachable(_) => None,
        }
    }
}

/// Who signed what clients are shown.
pub fn signer(signer: &Signer) -> &str {
    match signer {
        Signer::Charm => "the charm's own CA",
        Signer::Provider(name) => name,
    }
}

impl Health {
    fn voters(&self) -> impl Iterator<Item = &MemberHealth> {
        self.members.iter().filter(|member| !member.member.learner)
    }

    /// How many members have a vote.
    pub fn votes(&self) -> usize {
        self.voters().count()
    }

    /// How many of them must agree.
    pub fn needed(&self) -> usize {
        self.votes() / 2 + 1
    }

    /// How many of them serve.
    pub fn serving(&self) -> usize {
        self.voters()
            .filter(|member| member.round_trip().is_some())
            .count()
    }

    /// How many more voters may be lost before nobody is served; `None` where
    /// nobody is served now.
    pub fn margin(&self) -> Option<usize> {
        self.serving().checked_sub(self.needed())
    }

    /// The member that leads, as most recently heard.
    pub fn leader(&self) -> Option<MemberId> {
        self.members
            .iter()
            .filter_map(MemberHealth::details)
            .find_map(|details| details.status.leader)
    }

    /// What a member is called, by its number.
    pub fn name_of(&self, id: MemberId) -> String {
        let mut members = self.members.iter();
        let found = members.find(|member| member.member.id == id);
        found.map_or_else(|| GONE.to_owned(), |found| found.called(&self.app))
    }

    /// The alarms that some member knows of.
    pub fn alarms(&self) -> BTreeSet<Alarm> {
        self.members
            .iter()
            .filter_map(MemberHealth::details)
            .flat_map(MemberDetails::alarms)
            .collect()
    }

    /// The versions that run, the oldest first.
    pub fn versions(&self) -> BTreeSet<Version> {
        self.members
            .iter()
            .filter_map(MemberHealth::details)
            .map(|details| details.status.version.clone())
            .collect()
    }

    /// Advisories that some version that runs is open to.
    pub fn advisories(&self) -> BTreeSet<&'static str> {
        self.versions().iter().flat_map(open_advisories).collect()
    }

    /// What to do about them, for each version.
    pub fn advice(&self) -> Vec<String> {
        self.versions()
            .iter()
            .filter_map(advisory::advice)
            .map(|advice| reasons::advice(&advice))
            .collect()
    }

    /// The member whose round trip takes longest, and how long.
    pub fn slowest(&self) -> Option<(&MemberHealth, Duration)> {
        self.members
            .iter()
            .filter_map(|member| Some((member, member.round_trip()?)))
            .max_by_key(|(_, round_trip)| *round_trip)
    }

    /// What it all amounts to; what matters most is said first, and alone.
    pub fn assessment(&self) -> Assessment {
        let ill = |sentence: String| Assessment {
            is_healthy: false,
            sentence,
        };
        if self.margin().is_none() {
            return ill(self.without_quorum());
        }
        let alarms = self.alarms().into_iter();
        let raised: Vec<Raised> = alarms
            .map(|alarm| (alarm.kind, Some(self.name_of(alarm.member))))
            .collect();
        if let Some(sentence) = sentence(&raised) {
            return ill(sentence);
        }
        let unreachable = self.names(|member| member.details().is_none() && !member.is_starting());
        if !unreachable.is_empty() {
            return ill(format!(
                "the cluster serves, but no answer comes from {} ({} of {} members): start what is down, or remove what is gone for good",
                unreachable.join(", "),
                unreachable.len(),
                self.members.len(),
            ));
        }
        let failing = self.names(|member| member.problem().is_some() && !member.is_starting());
        if !failing.is_empty() {
            return ill(format!(
                "the cluster serves, but not through {}: see what is said of it below",
                failing.join(", ")
            ));
        }
        let learning = self.names(|member| member.member.learner);
        let joining = match learning.as_slice() {
            [] => String::new(),
            names => format!("; {} is joining and has no vote yet", names.join(", ")),
        };
        Assessment {
            is_healthy: true,
            sentence: format!("cluster is healthy{joining}"),
        }
    }

    fn without_quorum(&self) -> String {
        let votes = self.votes();
        let needed = self.needed();
        let answering = self
            .voters()
            .filter(|member| member.details().is_some())
            .count();
        if answering < needed {
            let unreachable: Vec<_> = self
                .voters()
                .filter(|member| member.details().is_none())
                .map(|member| member.called(&self.app))
                .collect();
            return format!(
                "quorum is lost and nobody is served: {needed} voters of {votes} are needed, answers come from {answering}; start {} again, or run rebuild-cluster if they are gone for good",
                unreachable.join(", ")
            );
        }
        if self.leader().is_none() {
            return format!(
                "nobody leads and nobody is served, though answers come from {answering} voters of {votes}: look at the network between the units, option peer-port"
            );
        }
        format!(
            "clients are served by too few voters, {} of {votes} with {needed} needed, though answers come from {answering}: look at disks, load and network of the members below",
            self.serving()
        )
    }

    fn names(&self, is_meant: impl Fn(&MemberHealth) -> bool) -> Vec<String> {
        self.members
            .iter()
            .filter(|member| is_meant(member))
            .map(|member| member.called(&self.app))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::observed::Peers;
    use crate::facts::{Cause, MemberName, MemberStatus, NoRead, Silence};
    use crate::plan::members::unit_at;
    use crate::plan::testing::member;
    use crate::relation::peer::UnitData;

    fn details(id: MemberId) -> MemberDetails {
        MemberDetails {
            status: MemberStatus {
                member: id,
                leader: Some(MemberId(100)),
                version: "3.6.14".parse().expect("a version"),
                learner: false,
                alarms: BTreeSet::new(),
            },
            size: 200,
            in_use: 50,
            quota: None,
            revision: 1,
            errors: Vec::new(),
        }
    }

    /// Members, each of which takes a millisecond longer than the one before.
    fn healthy(members: u64) -> Health {
        let members = (0..members).map(|unit| {
            let round_trip = Ok(Duration::from_millis(unit + 1));
            let answer = Answer::Answers(Box::new(details(MemberId(100 + unit))), round_trip);
            MemberHealth::new(member(unit), None, answer)
        });
        Health {
            app: "etcd".parse().expect("an application"),
            members: members.collect(),
        }
    }

    fn failure() -> Cause {
        Cause::of(&std::fmt::Error)
    }

    fn silence(health: &mut Health, units: &[usize]) {
        for unit in units {
            health.members[*unit].answer = Answer::Unreachable(Silence::Failed(failure()));
        }
    }

    fn answer_of(health: &mut Health, unit: usize) -> &mut MemberDetails {
        match &mut health.members[unit].answer {
            Answer::Answers(details, _) => details,
            Answer::Unreachable(reason) => panic!("{reason:?}"),
        }
    }

    fn sentence(health: &Health) -> String {
        let assessment = health.assessment();
        let is_well = assessment.sentence.starts_with("cluster is healthy");
        assert_eq!(assessment.is_healthy, is_well, "{}", assessment.sentence);
        assessment.sentence
    }

    #[test]
    fn a_healthy_cluster_has_figures() {
        let health = healthy(3);
        assert_eq!(sentence(&health), "cluster is healthy");
        assert_eq!(
            (health.votes(), health.needed(), health.serving()),
            (3, 2, 3)
        );
        assert_eq!(health.margin(), Some(1));
        assert_eq!(health.leader(), Some(MemberId(100)));
        let (slowest, round_trip) = health.slowest().expect("one is");
        assert_eq!(
            (slowest.called(&health.app).as_str(), round_trip.as_millis()),
            ("etcd/2", 3)
        );
        assert!(health.advisories().is_empty());
    }

    #[test]
    fn the_margin_follows_the_voters_that_serve() {
        for (voters, unreachable, margin) in [
            (1, 0, Some(0)),
            (1, 1, None),
            (2, 0, Some(0)),
            (2, 1, None),
            (3, 1, Some(0)),
            (3, 2, None),
            (4, 0, Some(1)),
            (5, 0, Some(2)),
            (5, 2, Some(0)),
        ] {
            let mut health = healthy(voters);
            let units: Vec<_> = (0..unreachable).collect();
            silence(&mut health, &units);
            assert_eq!(
                health.margin(),
                margin,
                "{unreachable} of {voters} are silent"
            );
        }
    }

    #[test]
    fn a_learner_has_no_part_in_it() {
        let mut health = healthy(3);
        let learner = &mut health.members[2];
        learner.member.learner = true;
        learner.answer = Answer::Answers(Box::new(details(MemberId(102))), Err(NoRead::NoVote));
        assert_eq!(learner.problem(), None);
        assert_eq!((health.votes(), health.margin()), (2, Some(0)));
        assert_eq!(
            sentence(&health),
            "cluster is healthy; etcd/2 is joining and has no vote yet"
        );
    }

    #[test]
    fn one_that_has_never_started_is_called_by_its_unit_or_else_its_address() {
        let joining = |peers: Option<&Peers>, urls: Vec<String>| {
            let mut health = healthy(3);
            let nameless = Member {
                name: None,
                learner: true,
                peer_urls: urls,
                ..member(2)
            };
            let unreachable = Answer::Unreachable(Silence::NotStarted);
            health.members[2] = MemberHealth::new(
                nameless.clone(),
                peers.and_then(|peers| unit_at(peers, &nameless)),
                unreachable,
            );
            (sentence(&health), health.members[2].key())
        };
        let answer_of =
            |of: &str| format!("cluster is healthy; {of} is joining and has no vote yet");
        let listed = member(2).peer_urls;
        let address = listed[0].trim_start_matches("https://");
        let key = format!("at-{}", address.replace(['.', ':'], "-"));
        let by_address = (answer_of(&format!("the member at {address}")), key);
        assert_eq!(joining(None, listed.clone()), by_address);
        let unit = UnitData {
            address: Some("10.0.0.3".to_owned()),
            ..UnitData::default()
        };
        let peers = Peers {
            others: [(MemberName::new("etcd-2"), unit)].into(),
            ..Peers::default()
        };
        assert_eq!(
            joining(Some(&peers), listed),
            (answer_of("etcd/2"), "etcd-2".to_owned())
        );
        let (_, key) = joining(None, vec!["https://[FD42::1]:2380".to_owned()]);
        assert_eq!(key, "at-fd42-1-2380");
    }

    #[test]
    fn members_that_are_unreachable_or_do_not_serve_are_named() {
        let mut health = healthy(3);
        silence(&mut health, &[1]);
        assert_eq!(
            sentence(&health),
            "the cluster serves, but no answer comes from etcd/1 (1 of 3 members): start what is down, or remove what is gone for good"
        );
        let mut health = healthy(3);
        health.members[1].answer = Answer::Answers(
            Box::new(details(MemberId(101))),
            Err(NoRead::Failed(failure())),
        );
        assert_eq!(
            sentence(&health),
            "the cluster serves, but not through etcd/1: see what is said of it below"
        );
    }

    #[test]
    fn a_lost_quorum_comes_before_all_else() {
        let mut health = healthy(3);
        silence(&mut health, &[1, 2]);
        health.members[0].answer = Answer::Answers(
            Box::new(details(MemberId(100))),
            Err(NoRead::Failed(failure())),
        );
        answer_of(&mut health, 0).errors = vec!["memberID:100 alarm:NOSPACE ".to_owned()];
        assert_eq!(
            sentence(&health),
            "quorum is lost and nobody is served: 2 voters of 3 are needed, answers come from 1; start etcd/1, etcd/2 again, or run rebuild-cluster if they are gone for good"
        );
        let mut health = healthy(2);
        for member in &mut health.members {
            let mut details = details(member.member.id);
            details.status.leader = None;
            member.answer = Answer::Answers(Box::new(details), Err(NoRead::Failed(failure())));
        }
        assert!(
            sentence(&health)
                .starts_with("nobody leads and nobody is served, though answers come from 2")
        );
        let mut health = healthy(2);
        health.members[1].answer = Answer::Answers(
            Box::new(details(MemberId(101))),
            Err(NoRead::Failed(failure())),
        );
        assert!(
            sentence(&health)
                .starts_with("clients are served by too few voters, 1 of 2 with 2 needed")
        );
    }

    #[test]
    fn alarms_are_told_with_the_way_out() {
        let mut health = healthy(3);
        answer_of(&mut health, 0).errors = vec!["memberID:101 alarm:NOSPACE ".to_owned()];
        assert_eq!(
            sentence(&health),
            "run compact, defrag, then alarm-disarm: no writes, database of etcd/1 is full (NOSPACE)"
        );
        answer_of(&mut health, 2).errors = vec!["memberID:102 alarm:CORRUPT".to_owned()];
        assert!(sentence(&health).starts_with("replace etcd/2, then run alarm-disarm"));
        assert_eq!(health.alarms().len(), 2);
    }

    #[test]
    fn every_version_that_runs_counts() {
        let mut health = healthy(3);
        answer_of(&mut health, 1).status.version = "3.6.13".parse().expect("a version");
        let versions: Vec<_> = health.versions().iter().map(Version::to_string).collect();
        assert_eq!(versions, ["3.6.13", "3.6.14"]);
        assert_eq!(health.advisories(), ["GHSA-xg4h-6gfc-h4m8"].into());
    }
}
