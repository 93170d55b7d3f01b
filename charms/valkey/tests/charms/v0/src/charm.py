"""A requirer of Valkey as charms that know version 0 are, and nothing more.

Whatever the library fires is written down in events.jsonl in the charm's
directory, one line for each event, with what the library fetches at that moment.
"""

import json
import os

import ops
from charms.data_platform_libs.v0.data_interfaces import DatabaseRequires

EVENTS = ("database_created", "endpoints_changed", "read_only_endpoints_changed")
FIELDS = (
    "endpoints",
    "read-only-endpoints",
    "sentinel-endpoints",
    "sentinel_endpoints",
    "mode",
    "version",
    "username",
    "password",
    "tls",
    "tls-ca",
)


class RequirerCharm(ops.CharmBase):
    """Asks for what its configuration says."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self.valkey = DatabaseRequires(
            self, relation_name="valkey", database_name=str(self.config["pattern"])
        )
        for name in EVENTS:
            framework.observe(getattr(self.valkey.on, name), self._on_event)

    def _on_event(self, event: ops.EventBase) -> None:
        relation = event.relation.id
        line = {
            "event": event.handle.kind,
            "hook": os.environ["JUJU_HOOK_NAME"],
            "response": {
                name.replace("-", "_") if name != "sentinel_endpoints" else "underscored":
                    self.valkey.fetch_relation_field(relation, name)
                for name in FIELDS
            },
        }
        with open(self.charm_dir / "events.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    ops.main(RequirerCharm)
