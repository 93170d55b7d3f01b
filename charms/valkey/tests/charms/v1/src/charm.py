"""A requirer of Valkey as its library's documentation has it, and nothing more.

Whatever the library fires is written down in events.jsonl in the charm's
directory, one line for each event, with all that the event brings.
"""

import json
import os

import ops
from dpcharmlibs.interfaces import (
    RequirerCommonModel,
    ResourceRequirerEventHandler,
    ValkeyResponseModel,
)

EVENTS = (
    "resource_created",
    "resource_entity_created",
    "endpoints_changed",
    "read_only_endpoints_changed",
    "authentication_updated",
)


class RequirerCharm(ops.CharmBase):
    """Asks for what its configuration says."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self.valkey = ResourceRequirerEventHandler(
            self,
            relation_name="valkey",
            requests=[
                RequirerCommonModel(resource=pattern)
                for pattern in str(self.config["patterns"]).split()
            ],
            response_model=ValkeyResponseModel,
        )
        for name in EVENTS:
            framework.observe(getattr(self.valkey.on, name), self._on_event)

    def _on_event(self, event: ops.EventBase) -> None:
        response = event.response
        line = {
            "event": event.handle.kind,
            "hook": os.environ["JUJU_HOOK_NAME"],
            # What comes from secrets is left out of a dump.
            "response": {name: getattr(response, name) for name in type(response).model_fields},
        }
        with open(self.charm_dir / "events.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    ops.main(RequirerCharm)
