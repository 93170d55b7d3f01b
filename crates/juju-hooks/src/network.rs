//! Under which addresses this unit is reached.

use std::net::IpAddr;

use serde::Deserialize;

use super::{ToolError, Tools};
use crate::Endpoint;

/// The addresses of this unit on an endpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Network {
    /// The address to listen on, if the machine has one already.
    pub bind: Option<IpAddr>,
    /// The addresses to give to others, the preferred one first. Some clouds give
    /// host names here.
    pub ingress: Vec<String>,
}

impl Tools {
    /// The addresses of this unit on `endpoint` (`jujuc/network-get.go`).
    ///
    /// The first of several bind addresses may be an entry without any address
    /// (juju/juju#22616), so the first entry that has one counts.
    ///
    /// # Errors
    /// [`ToolError::Failed`] with `no network config found` if the endpoint is
    /// bound to a space that this machine is not in.
    pub fn network_get(&self, endpoint: Endpoint) -> Result<Network, ToolError> {
        let output: Option<Output> = self.call("network-get").arg(endpoint.0).json()?;
        let output = output.unwrap_or_default();
        Ok(Network {
            bind: output
                .bind_addresses
                .iter()
                .flatten()
                .flat_map(|entry| entry.addresses.iter().flatten())
                .find_map(|address| address.value.parse().ok()),
            ingress: output.ingress_addresses.unwrap_or_default(),
        })
    }
}

/// A list is absent if it is empty, and `null` where Go had no list at all.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Output {
    bind_addresses: Option<Vec<BindAddress>>,
    ingress_addresses: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct BindAddress {
    #[serde(default)]
    addresses: Option<Vec<Address>>,
}

#[derive(Deserialize)]
struct Address {
    #[serde(default)]
    value: String,
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    fn network(stdout: &str) -> Network {
        let fake = Fake::printing("network-get", stdout);
        let network = fake.tools().network_get(Endpoint("peers")).expect("it");
        assert_eq!(fake.argv("network-get"), ["--format=json", "peers"]);
        network
    }

    #[test]
    fn the_first_entry_with_an_address_counts() {
        let network = network(concat!(
            r#"{"bind-addresses":[{"mac-address":"","interface-name":"","addresses":[]},"#,
            r#"{"interface-name":"eth0","addresses":[{"hostname":"","value":"","cidr":""},"#,
            r#"{"hostname":"","value":"10.0.0.1","cidr":"10.0.0.0/24"}]}],"#,
            r#""egress-subnets":["10.0.0.1/32"],"ingress-addresses":["10.0.0.2"]}"#,
            "\n"
        ));
        assert_eq!(network.bind, Some([10, 0, 0, 1].into()));
        assert_eq!(network.ingress, ["10.0.0.2"]);
    }

    #[test]
    fn lists_may_be_absent_or_null() {
        for stdout in [
            "{}\n",
            "null\n",
            r#"{"bind-addresses":null}"#,
            r#"{"bind-addresses":[{"addresses":null}],"ingress-addresses":null}"#,
        ] {
            assert_eq!(
                network(stdout),
                Network {
                    bind: None,
                    ingress: Vec::new()
                }
            );
        }
    }
}
