"""A requirer of etcd as its library's documentation has it, and nothing more.

Whatever the library fires is written down in events.jsonl in the charm's
directory, one line for each event: what the event itself shows as `event`'s
`properties`, and what the library fetches at that moment as `fetched`. The two
can differ after a change in place.
"""

import json
import os

import ops
from charms.data_platform_libs.v0.data_interfaces import EtcdRequires

RELATION = "etcd"
EVENTS = ("endpoints_changed", "etcd_ready", "status_raised", "status_resolved")
PROPERTIES = ("endpoints", "username", "password", "uris", "tls", "tls_ca", "version")
FIELDS = ("endpoints", "username", "uris", "tls", "tls-ca", "version")


class RequirerCharm(ops.CharmBase):
    """Asks for what its configuration says."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self.prefix = str(self.config["prefix"])
        self.certificate = str(self.config["certificate"])
        self.etcd = EtcdRequires(
            self,
            relation_name=RELATION,
            prefix=self.prefix,
            mtls_cert=self.certificate or None,
        )
        for name in EVENTS:
            framework.observe(getattr(self.etcd.on, name), self._on_event)
        framework.observe(self.on.config_changed, self._on_config_changed)

    def _on_config_changed(self, _: ops.ConfigChangedEvent) -> None:
        """Brings existing relations to the configuration."""
        if not self.unit.is_leader():
            return
        for relation in self.model.relations[RELATION]:
            if self.prefix and not relation.data[self.app].get("prefix"):
                self.etcd.update_relation_data(relation.id, {"prefix": self.prefix})
            if self.certificate:
                self.etcd.set_mtls_cert(relation.id, self.certificate)

    def _on_event(self, event: ops.EventBase) -> None:
        line = {"event": event.handle.kind, "hook": os.environ["JUJU_HOOK_NAME"]}
        line["properties"] = {name: getattr(event, name, None) for name in PROPERTIES}
        line["fetched"] = {
            name: self.etcd.fetch_relation_field(event.relation.id, name) for name in FIELDS
        }
        with open(self.charm_dir / "events.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    ops.main(RequirerCharm)
