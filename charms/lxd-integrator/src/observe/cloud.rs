//! The model's cloud, as Juju describes it to whom it trusts.

use juju_hooks::{CloudSpec, Tools};

use crate::facts::{Cloud, Credentials};

/// The kind of cloud that this charm is for.
const LXD: &str = "lxd";

/// What `credential-get` says.
pub(super) fn cloud(tools: &Tools) -> Cloud {
    match tools.credential_get() {
        Ok(spec) => described(spec),
        Err(error) if error.is_denied() || error.is_unknown_tool() => Cloud::Denied,
        Err(error) => Cloud::Unknown(error.to_string()),
    }
}

fn described(spec: CloudSpec) -> Cloud {
    if spec.kind != LXD {
        return Cloud::Other(spec.kind);
    }
    let mut attributes = spec.attributes;
    Cloud::Lxd {
        endpoint: spec.endpoint,
        credentials: Credentials {
            client_cert: attributes
                .remove("client-cert")
                .map(|text| text.expose().clone()),
            client_key: attributes.remove("client-key"),
            server_cert: attributes
                .remove("server-cert")
                .map(|text| text.expose().clone()),
        },
    }
}
