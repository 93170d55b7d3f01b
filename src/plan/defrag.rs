//! Which members are defragmented, in which order, and whether it is safe. A
//! member answers nobody while it is at it, so this is as much of a disturbance
//! as a restart, and is allowed where a restart would be.

use super::refusal::{DefragRefusal, Refusal, Unfit};
use super::safety::safe_without;
use crate::facts::{Cluster, Member, MemberId};

/// A member to be defragmented.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// The identifier that etcd gave it.
    pub id: MemberId,
    /// What it is called.
    pub name: String,
    /// Where it is asked.
    pub url: String,
}

/// What a run does to which members.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Order {
    /// The members to be defragmented, the one that leads last.
    pub targets: Vec<Target>,
    /// Those that are left out, and why.
    pub skipped: Vec<(String, Unfit)>,
}

/// The members in their order; only this one where one is named, by its name or
/// by its unit.
///
/// # Errors
/// Why nothing can be done: the member that is named is none, or cannot be
/// defragmented.
pub fn order(cluster: &Cluster, only: Option<&str>) -> Result<Order, DefragRefusal> {
    let mut order = Order::default();
    let mut members: Vec<_> = cluster.members.iter().collect();
    members.sort_by_key(|member| (cluster.status.leader == Some(member.id), name(member)));
    if let Some(only) = only {
        let wanted = only.replace('/', "-");
        let names: Vec<_> = members.iter().map(|member| name(member)).collect();
        members.retain(|member| name(member) == wanted);
        if members.is_empty() {
            let mut names = names;
            names.sort();
            return Err(DefragRefusal::NotAMember(names));
        }
    }
    for member in members {
        match target(cluster, member) {
            Ok(target) => order.targets.push(target),
            Err(unfit) if only.is_some() => return Err(DefragRefusal::Unfit(unfit)),
            Err(unfit) => order.skipped.push((name(member), unfit)),
        }
    }
    Ok(order)
}

/// What is done to one member, with no choice left in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Defragmentation {
    /// Where the member is asked.
    pub url: String,
    /// The member that takes leadership over first.
    pub transferee: Option<MemberId>,
}

/// What is done to this member, if it may be busy for a while.
///
/// # Errors
/// Why it may not.
pub fn step(cluster: &Cluster, target: &Target) -> Result<Defragmentation, Refusal> {
    safe_without(cluster, target.id)
        .map_err(|reason| Refusal::Unsafe(target.name.clone(), reason))?;
    Ok(Defragmentation {
        url: target.url.clone(),
        transferee: transferee(cluster, target),
    })
}

/// The member that leadership is moved to before the target is busy, if the
/// target leads and there is another that can.
fn transferee(cluster: &Cluster, target: &Target) -> Option<MemberId> {
    if cluster.status.leader != Some(target.id) {
        return None;
    }
    let mut others = cluster.members.iter();
    others
        .find(|member| member.id != target.id && !member.learner && cluster.answers(member.id))
        .map(|member| member.id)
}

fn target(cluster: &Cluster, member: &Member) -> Result<Target, Unfit> {
    if member.learner {
        return Err(Unfit::Learner);
    }
    match member.client_urls.first() {
        Some(url) if cluster.answers(member.id) => Ok(Target {
            id: member.id,
            name: name(member),
            url: url.clone(),
        }),
        _ => Err(Unfit::Silent),
    }
}

fn name(member: &Member) -> String {
    match &member.name {
        Some(name) => name.to_string(),
        None => member.id.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::safety::Unsafe;
    use crate::plan::testing::Bench;

    fn transferee(cluster: &Cluster, target: &Target) -> Option<MemberId> {
        step(cluster, target).expect("it is safe").transferee
    }

    fn names(order: &Order) -> Vec<&str> {
        let targets = order.targets.iter();
        targets.map(|target| target.name.as_str()).collect()
    }

    #[test]
    fn the_leader_comes_last_and_hands_over() {
        let mut bench = Bench::new(3);
        bench.cluster.status.leader = Some(MemberId(101));
        let order = order(&bench.cluster, None).expect("an order");
        assert_eq!(names(&order), ["etcd-0", "etcd-2", "etcd-1"]);
        assert_eq!(order.skipped, []);
        assert_eq!(transferee(&bench.cluster, &order.targets[0]), None);
        assert_eq!(
            transferee(&bench.cluster, &order.targets[2]),
            Some(MemberId(100))
        );
        // There is nobody to hand over to.
        let bench = Bench::new(1);
        let order = super::order(&bench.cluster, None).expect("an order");
        assert_eq!(names(&order), ["etcd-0"]);
        assert_eq!(transferee(&bench.cluster, &order.targets[0]), None);
    }

    #[test]
    fn members_that_cannot_are_left_out_or_refused() {
        let mut bench = Bench::new(5);
        bench.cluster.answering.remove(&MemberId(103));
        bench.cluster.members[4].learner = true;
        let order = order(&bench.cluster, None).expect("an order");
        assert_eq!(names(&order), ["etcd-1", "etcd-2", "etcd-0"]);
        let skipped = [("etcd-3", Unfit::Silent), ("etcd-4", Unfit::Learner)];
        assert_eq!(
            order.skipped,
            skipped.map(|(name, unfit)| (name.to_owned(), unfit))
        );
        let refused = |only| super::order(&bench.cluster, Some(only)).expect_err("refused");
        assert_eq!(refused("etcd/3"), DefragRefusal::Unfit(Unfit::Silent));
        assert_eq!(refused("etcd-4"), DefragRefusal::Unfit(Unfit::Learner));
        let names = [0, 1, 2, 3, 4].map(|number| format!("etcd-{number}"));
        assert_eq!(refused("etcd/9"), DefragRefusal::NotAMember(names.into()));
    }

    #[test]
    fn it_is_safe_where_a_restart_would_be() {
        let mut bench = Bench::new(3);
        let order = order(&bench.cluster, Some("etcd/1")).expect("an order");
        assert_eq!(names(&order), ["etcd-1"]);
        let target = &order.targets[0];
        assert_eq!(
            step(&bench.cluster, target).expect("it is safe").url,
            target.url
        );
        bench.cluster.answering.remove(&MemberId(102));
        let no_quorum = Unsafe::NoQuorum {
            answering: 1,
            others: 2,
        };
        assert_eq!(
            step(&bench.cluster, target),
            Err(Refusal::Unsafe("etcd-1".to_owned(), no_quorum))
        );
    }
}
