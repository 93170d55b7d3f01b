//! What is asked of a sentinel.

use std::net::IpAddr;

use super::{Address, Connection, ValkeyError, Value};

/// What the one set of servers of an application is called among sentinels.
pub const NAME: &str = "primary";

/// What a sentinel says of the servers that it looks after.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Monitored {
    /// The server that it takes for the primary.
    pub primary: Address,
    /// The number of the election that it knows of last. Whoever names another
    /// primary by a higher one is right, and the others will hear of it.
    pub epoch: u64,
    /// How many sentinels must find it down.
    pub quorum: u32,
    /// The other sentinels that it knows.
    pub sentinels: Vec<Seen>,
    /// The replicas that it knows.
    pub replicas: Vec<Seen>,
}

/// A node as a sentinel sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen {
    /// Where it is.
    pub host: IpAddr,
    /// Whether it does not answer.
    pub down: bool,
    /// For how many milliseconds it has been taken for lost; 0 if it is not.
    pub down_for: u64,
}

impl Connection {
    /// What this sentinel looks after; none before it was told.
    ///
    /// # Errors
    /// The sentinel does not answer, or not as it is known to.
    pub async fn monitored(&mut self) -> Result<Option<Monitored>, ValkeyError> {
        let primary = match self.call(&["SENTINEL", "MASTER", NAME]).await {
            Err(ValkeyError::Refused { text, .. }) if text.contains("No such") => return Ok(None),
            result => result?,
        };
        let text = |key| primary.field(key).and_then(Value::text);
        let found = || {
            let host = text("ip")?.parse().ok()?;
            let port = text("port")?.parse().ok()?;
            let epoch = text("config-epoch")?.parse().ok()?;
            Some((Address { host, port }, epoch, text("quorum")?.parse().ok()?))
        };
        let (address, epoch, quorum) =
            found().ok_or_else(|| self.unexpected("SENTINEL MASTER says something else"))?;
        let sentinels = self.call(&["SENTINEL", "SENTINELS", NAME]).await?;
        let replicas = self.call(&["SENTINEL", "REPLICAS", NAME]).await?;
        Ok(Some(Monitored {
            primary: address,
            epoch,
            quorum,
            sentinels: seen(&sentinels),
            replicas: seen(&replicas),
        }))
    }

    /// Lets the sentinel look after this primary, and forget any other.
    ///
    /// # Errors
    /// The sentinel refuses.
    pub async fn monitor(&mut self, primary: Address, quorum: u32) -> Result<(), ValkeyError> {
        match self.call(&["SENTINEL", "REMOVE", NAME]).await {
            Ok(_) => {}
            Err(ValkeyError::Refused { text, .. }) if text.contains("No such") => {}
            Err(error) => return Err(error),
        }
        let (host, port) = (primary.host.to_string(), primary.port.to_string());
        let quorum = quorum.to_string();
        self.call(&["SENTINEL", "MONITOR", NAME, &host, &port, &quorum])
            .await?;
        Ok(())
    }

    /// Sets options of the set of servers: pairs of name and value.
    ///
    /// # Errors
    /// The sentinel refuses.
    pub async fn set_monitored(&mut self, options: &[(&str, &str)]) -> Result<(), ValkeyError> {
        let mut order = vec!["SENTINEL", "SET", NAME];
        order.extend(options.iter().flat_map(|(name, value)| [*name, *value]));
        self.call(&order).await?;
        Ok(())
    }
}

fn seen(list: &Value) -> Vec<Seen> {
    let nodes = list.items().iter().filter_map(|node| {
        let flags = node.field("flags")?.text()?;
        let down_for = node.field("s-down-time").and_then(Value::text);
        Some(Seen {
            host: node.field("ip")?.text()?.parse().ok()?,
            down_for: down_for.and_then(|text| text.parse().ok()).unwrap_or(0),
            down: ["s_down", "o_down", "disconnected"]
                .iter()
                .any(|flag| flags.split(',').any(|is| is == *flag)),
        })
    });
    nodes.collect()
}
