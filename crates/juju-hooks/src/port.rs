//! The ports that an operator can expose.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::{ToolError, Tools};

/// A TCP port as hook tools write it: `2379/tcp`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct TcpPort(pub u16);

impl fmt::Display for TcpPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/tcp", self.0)
    }
}

impl Tools {
    /// Opens a port to the outside (`jujuc/ports.go`); no error if it is open.
    /// Buffered.
    ///
    /// # Errors
    /// [`ToolError::Failed`] if the port lies in a range that is open already.
    pub fn open_port(&self, port: TcpPort) -> Result<(), ToolError> {
        self.call("open-port").arg(port.to_string()).run()?;
        Ok(())
    }

    /// Closes a port; no error if it is closed. Buffered.
    ///
    /// # Errors
    /// [`ToolError::Failed`] if the port lies in a range that is open.
    pub fn close_port(&self, port: TcpPort) -> Result<(), ToolError> {
        self.call("close-port").arg(port.to_string()).run()?;
        Ok(())
    }

    /// The single TCP ports that are open; ranges and other protocols, which are
    /// never ours, are left out. Whether changes by this hook show already
    /// depends on the version of Juju.
    ///
    /// # Errors
    /// Only those of every tool: see [`ToolError`].
    pub fn opened_ports(&self) -> Result<BTreeSet<TcpPort>, ToolError> {
        let ports: Option<Vec<String>> = self.call("opened-ports").json()?;
        Ok(ports
            .unwrap_or_default()
            .iter()
            .filter_map(|port| u16::from_str(port.strip_suffix("/tcp")?).ok())
            .map(TcpPort)
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    #[test]
    fn ports_are_opened_and_closed_by_number_and_protocol() {
        let fake = Fake::new(&["open-port", "close-port"]);
        fake.tools().open_port(TcpPort(2379)).expect("it is opened");
        assert_eq!(fake.argv("open-port"), ["2379/tcp"]);
        fake.tools().close_port(TcpPort(80)).expect("it is closed");
        assert_eq!(fake.argv("close-port"), ["80/tcp"]);
    }

    #[test]
    fn only_single_tcp_ports_are_listed() {
        for (stdout, expected) in [
            (
                "[\"80/tcp\",\"8080-8088/udp\",\"90-91/tcp\",\"icmp\",\"2379/tcp\"]\n",
                &[80, 2379][..],
            ),
            ("[]\n", &[]),
            ("null\n", &[]),
        ] {
            let fake = Fake::printing("opened-ports", stdout);
            let ports = fake.tools().opened_ports().expect("ports");
            assert!(ports.iter().map(|port| &port.0).eq(expected));
            assert_eq!(fake.argv("opened-ports"), ["--format=json"]);
        }
    }
}
