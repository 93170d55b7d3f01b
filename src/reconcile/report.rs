//! Reporting: the statuses of the unit and of the application.

use crate::context::Context;
use crate::explain::status::{Status, details_of_unit, of_application, of_unit};
use crate::juju::{StatusName, ToolError};
use crate::plan::{Report, Wait};
use crate::workload::UnitState;

/// Statuses that Juju does not show yet.
#[derive(Debug, Default)]
pub(super) struct Changes {
    unit: Option<Status>,
    application: Option<Status>,
}

/// What has to be set. Juju keeps each status that is set in a log, so one that
/// it shows already is not set again, unless it `may_differ` from what was noted.
pub(super) fn changes(
    context: &mut Context,
    report: &Report,
    leader: bool,
    may_differ: bool,
) -> Changes {
    let unit_state = &mut context.unit_state;
    if may_differ {
        unit_state.last_unit_status = None;
    }
    if may_differ || !leader {
        // By now another unit may have set it.
        unit_state.last_app_status = None;
    }
    let mut unit = of_unit(report);
    if unit_state.dying && matches!(report.wait, Some(Wait::Machine(_))) {
        // Its storage goes first.
        unit.name = StatusName::Maintenance;
        "leaving the cluster".clone_into(&mut unit.message);
    }
    let application = leader.then(|| of_application(report));
    // A pass over one relation does not look why this unit is not set up; what the
    // last full pass said of that stands.
    let says_less = report.wait == Some(Wait::Joining) && unit_state.last_unit_status.is_some();
    if !says_less {
        unit_state.status_details = details_of_unit(report);
    }
    let unit = (!says_less).then_some(unit);
    Changes {
        unit: unit.filter(|status| unit_state.last_unit_status != Some(status.noted())),
        application: application
            .filter(|status| unit_state.last_app_status != Some(status.noted())),
    }
}

impl Changes {
    /// Forgets what was shown before. To be written before anything is set: a
    /// status is set at once, and one that a run was killed after is set again.
    pub(super) fn forget(&self, unit_state: &mut UnitState) {
        if self.unit.is_some() {
            unit_state.last_unit_status = None;
        }
        if self.application.is_some() {
            unit_state.last_app_status = None;
        }
    }

    /// Whether there is nothing to set.
    pub(super) fn is_empty(&self) -> bool {
        self.unit.is_none() && self.application.is_none()
    }

    /// Sets them.
    ///
    /// # Errors
    /// A hook tool failed.
    pub(super) fn set(self, context: &mut Context) -> Result<(), ToolError> {
        let tools = &context.tools;
        if let Some(unit) = self.unit {
            tools.status_set(unit.name, &unit.message)?;
            context.unit_state.last_unit_status = Some(unit.noted());
        }
        if let Some(application) = self.application {
            tools.status_set_application(application.name, &application.message)?;
            context.unit_state.last_app_status = Some(application.noted());
        }
        Ok(())
    }
}
