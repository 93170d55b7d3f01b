//! What a plan is made of, as steps between which a hook can be killed.

use etcd_charm::facts::observed::Observed;
use etcd_charm::facts::{LedgerWrite, MemberId, MemberTrust, SecretUri};
use etcd_charm::plan::access::AccessStep;
use etcd_charm::plan::machine::MachineStep;
use etcd_charm::plan::membership::MembershipStep;
use etcd_charm::plan::publish::{Changes, DepartedRequest, Publication, RelationPublication};
use etcd_charm::plan::restart::RestartInTurn;
use etcd_charm::tls::TrustBundle;

/// One step. A new one is carried out in a file below `hook/`; the compiler names
/// every place that has to know it.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Machine(MachineStep),
    Membership(MembershipStep),
    Access(AccessStep),
    Disconnect(Option<i64>),
    ReadPending,
    Turn(TurnStep),
    /// Without asking anybody, since nobody answers.
    RestartAtOnce,
    Ledger(Vec<LedgerWrite>),
    Leave,
    Publish(PublishStep),
}

/// What a restart in turn is made of, besides writes to the ledger and to the
/// member list.
#[derive(Clone, Debug)]
pub(crate) enum TurnStep {
    Lock,
    WriteTrust(String),
    MoveLeader(MemberId),
    Stop,
    Start,
    Unlock,
}

/// What a publication is made of, besides writes to the ledger.
#[derive(Clone, Debug)]
pub(crate) enum PublishStep {
    Bootstrap,
    Answer(Box<RelationPublication>),
    RemoveSecret(SecretUri),
    Departed(DepartedRequest),
    Peers(Changes, Changes),
    Commit,
}

impl Step {
    /// Whether it fails where etcd does not answer.
    pub(crate) fn needs_etcd(&self) -> bool {
        match self {
            Self::Membership(MembershipStep::Join(_)) => false,
            Self::Membership(_) | Self::Access(_) | Self::Disconnect(_) | Self::Ledger(_) => true,
            Self::Turn(step) => match step {
                TurnStep::Lock | TurnStep::MoveLeader(_) | TurnStep::Unlock => true,
                TurnStep::WriteTrust(_) | TurnStep::Stop | TurnStep::Start => false,
            },
            Self::Machine(_)
            | Self::RestartAtOnce
            | Self::ReadPending
            | Self::Leave
            | Self::Publish(_) => false,
        }
    }
}

pub(crate) fn restart_steps(observed: &Observed, restart: &RestartInTurn) -> Vec<Step> {
    // Destructured whole, as a field that is added has to be carried out.
    let RestartInTurn {
        trust,
        authorities,
        before,
        after,
        // In this world nobody comes to lead between a plan and its first step.
        leads: _,
        transferee,
        moves_to,
        needs_lock,
        // Time stands still in this world.
        paid_until: _,
        // Every member serves with whatever it has loaded.
        serves: _,
    } = restart;
    // Nobody reads the file again to find out who is in it.
    let read = TrustBundle::fingerprints_in(trust).expect("a trust file");
    assert_eq!(read, (authorities.clone(), after.loaded.clone()));
    let member = |trust: &MemberTrust| {
        Step::Ledger(vec![LedgerWrite::Member(observed.member(), trust.clone())])
    };
    let mut steps = Vec::new();
    if *needs_lock {
        steps.push(Step::Turn(TurnStep::Lock));
    }
    steps.push(member(before));
    steps.push(Step::Turn(TurnStep::WriteTrust(trust.clone())));
    let moved = transferee.map(TurnStep::MoveLeader);
    steps.extend(moved.map(Step::Turn));
    let move_of = |(id, url): (MemberId, String)| Step::Membership(MembershipStep::Move(id, url));
    steps.extend(moves_to.clone().map(move_of));
    steps.extend([TurnStep::Stop, TurnStep::Start].map(Step::Turn));
    steps.push(member(after));
    if *needs_lock {
        steps.push(Step::Turn(TurnStep::Unlock));
    }
    steps
}

pub(crate) fn publication_steps(publication: &Publication) -> Vec<Step> {
    let Publication {
        makes_authorities,
        ledger,
        relations,
        obsolete_secrets,
        departed,
        // The world has no relation of an older interface.
        legacy: _,
        ended: _,
        peer_app,
        peer_unit,
        authorities,
        // The world has no relation over which certificates are asked for.
        makes_client_authority: _,
        signing: _,
        // Nor one over which it is told whom to trust.
        transfers: _,
        // Nor one with anybody who signs for members.
        request: _,
        version: _,
    } = publication;
    assert!(authorities.is_none(), "nobody asked for other authorities");
    let mut published = Vec::new();
    if *makes_authorities {
        published.push(PublishStep::Bootstrap);
    }
    for told in relations {
        let obsolete = told.obsolete_secrets.iter().cloned();
        published.extend(obsolete.map(PublishStep::RemoveSecret));
        published.push(PublishStep::Answer(Box::new(told.clone())));
    }
    let obsolete = obsolete_secrets.iter().cloned();
    published.extend(obsolete.map(PublishStep::RemoveSecret));
    published.extend(departed.iter().cloned().map(PublishStep::Departed));
    if !peer_app.is_empty() || !peer_unit.is_empty() {
        published.push(PublishStep::Peers(peer_app.clone(), peer_unit.clone()));
    }
    published.push(PublishStep::Commit);
    let mut steps = Vec::new();
    if !ledger.is_empty() {
        steps.push(Step::Ledger(ledger.clone()));
    }
    steps.extend(published.into_iter().map(Step::Publish));
    steps
}
