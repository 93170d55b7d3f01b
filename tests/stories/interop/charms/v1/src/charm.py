"""A requirer of etcd as its library's documentation has it, and nothing more.

Whatever the library fires is written down in events.jsonl in the charm's
directory, one line for each event, with all that the event brings.
"""

import json
import os

import ops
from dpcharmlibs.interfaces import (
    RequirerCommonModel,
    RequirerDataContractV1,
    ResourceProviderModel,
    ResourceRequirerEventHandler,
    build_model,
)

RELATION = "etcd"
EVENTS = (
    "resource_created",
    "resource_entity_created",
    "endpoints_changed",
    "read_only_endpoints_changed",
    "authentication_updated",
    "prefix_resources_changed",
    "status_raised",
    "status_resolved",
)


class RequirerCharm(ops.CharmBase):
    """Asks for what its configuration says."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self.etcd = ResourceRequirerEventHandler(
            self,
            relation_name=RELATION,
            requests=[
                RequirerCommonModel(resource=wish["resource"], mtls_cert=wish["certificate"])
                for wish in self.wishes
            ],
            response_model=ResourceProviderModel,
        )
        for name in EVENTS:
            framework.observe(getattr(self.etcd.on, name), self._on_event)
        framework.observe(self.on.config_changed, self._on_config_changed)

    @property
    def wishes(self) -> list[dict]:
        """The requests of the configuration."""
        return json.loads(str(self.config["requests"]))

    def _on_config_changed(self, _: ops.ConfigChangedEvent) -> None:
        """Brings existing relations to the configuration.

        A request that is known keeps its id and salt. A new one has no id, as
        with charms that let `write_model` take it from there.
        """
        if not self.unit.is_leader():
            return
        for relation in self.model.relations[RELATION]:
            repository = self.etcd.interface.repository(relation.id)
            current = build_model(repository, RequirerDataContractV1[RequirerCommonModel])
            known = {request.resource: request for request in current.requests}
            requests = []
            for wish in self.wishes:
                request = known.get(wish["resource"])
                if request is None:
                    request = RequirerCommonModel(resource=wish["resource"])
                request.mtls_cert = wish["certificate"]
                requests.append(request)
            current.requests = requests
            self.etcd.interface.write_model(relation.id, current)

    def _on_event(self, event: ops.EventBase) -> None:
        line = {"event": event.handle.kind, "hook": os.environ["JUJU_HOOK_NAME"]}
        if response := getattr(event, "response", None):
            # What comes from secrets is left out of a dump.
            line["response"] = {
                name.replace("_", "-"): getattr(response, name)
                for name in type(response).model_fields
            }
        if status := getattr(event, "status", None):
            line["status"] = status.model_dump(mode="json")
        with open(self.charm_dir / "events.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    ops.main(RequirerCharm)
