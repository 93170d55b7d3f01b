//! What a plan is made of, as steps between which a hook can be killed.

use etcd_charm::facts::observed::Observed;
use etcd_charm::facts::{LedgerWrite, MemberId, MemberTrust, SecretUri};
use etcd_charm::plan::access::AccessStep;
use etcd_charm::plan::machine::MachineStep;
use etcd_charm::plan::membership::MembershipStep;
use etcd_charm::plan::publish::{Changes, DepartedRequest, Publication, RelationPublication};
use etcd_charm::plan::restart::RestartInTurn;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Machine(MachineStep),
    Membership(MembershipStep),
    Access(AccessStep),
    Disconnect(Option<i64>),
    ReadPending,
    Lock,
    Ledger(Vec<LedgerWrite>),
    WriteTrust(String),
    MoveLeader(MemberId),
    Stop,
    Start,
    /// Without asking anybody, since nobody answers.
    RestartAtOnce,
    Leave,
    Unlock,
    Bootstrap,
    Answer(Box<RelationPublication>),
    RemoveSecret(SecretUri),
    Departed(DepartedRequest),
    Peers(Changes, Changes),
    Commit,
}

pub(crate) fn restart_steps(observed: &Observed, restart: &RestartInTurn) -> Vec<Step> {
    // Destructured whole, as a field that is added has to be carried out.
    let RestartInTurn {
        trust,
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
    let member = |trust: &MemberTrust| {
        Step::Ledger(vec![LedgerWrite::Member(observed.member(), trust.clone())])
    };
    let mut steps = Vec::new();
    if *needs_lock {
        steps.push(Step::Lock);
    }
    steps.push(member(before));
    steps.push(Step::WriteTrust(trust.clone()));
    steps.extend(transferee.map(Step::MoveLeader));
    let move_of = |(id, url): (MemberId, String)| Step::Membership(MembershipStep::Move(id, url));
    steps.extend(moves_to.clone().map(move_of));
    steps.extend([Step::Stop, Step::Start, member(after)]);
    if *needs_lock {
        steps.push(Step::Unlock);
    }
    steps
}

pub(crate) fn publication_steps(publication: &Publication) -> Vec<Step> {
    let Publication {
        founds,
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
    let mut steps = Vec::new();
    if !ledger.is_empty() {
        steps.push(Step::Ledger(ledger.clone()));
    }
    if *founds {
        steps.push(Step::Bootstrap);
    }
    let answers = relations.iter().cloned().map(Box::new);
    steps.extend(answers.map(Step::Answer));
    steps.extend(obsolete_secrets.iter().cloned().map(Step::RemoveSecret));
    steps.extend(departed.iter().cloned().map(Step::Departed));
    if !peer_app.is_empty() || !peer_unit.is_empty() {
        steps.push(Step::Peers(peer_app.clone(), peer_unit.clone()));
    }
    steps.push(Step::Commit);
    steps
}
