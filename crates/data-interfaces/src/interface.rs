//! In what one interface differs from another.

/// Which of the two protocols is spoken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    /// Flat keys and one request, which has no id.
    V0,
    /// A list of requests, each with an id.
    V1,
}

/// An interface of the family: what its requests and responses are made of
/// besides the parts that all of them have.
#[derive(Clone, Copy, Debug)]
pub struct Interface {
    /// The key under which version 0 asks for its resource: `prefix`, `database`.
    /// Version 1 writes `resource`, and this name is read there as well.
    pub resource_key: &'static str,
    /// Whether a client logs in with a certificate of its own, which its request
    /// brings. Where it does not, nothing is read of one.
    pub has_client_certificate: bool,
    /// How version 0 writes that TLS is off, and that it is on. Each interface has
    /// its own custom, and libraries compare the text; version 1 has JSON.
    pub v0_tls: [&'static str; 2],
    /// What a response may have besides `endpoints`, `version` and its secrets.
    pub fields: &'static [Field],
}

impl Interface {
    /// `etcd_client`: a prefix is asked for, and a certificate logs in.
    pub const ETCD_CLIENT: Self = Self {
        resource_key: "prefix",
        has_client_certificate: true,
        v0_tls: ["False", "True"],
        fields: &[],
    };

    /// `valkey_client`: a pattern of keys and channels is asked for, and a password
    /// logs in.
    pub const VALKEY_CLIENT: Self = Self {
        resource_key: "database",
        has_client_certificate: false,
        // Both versions compare with this spelling.
        v0_tls: ["false", "true"],
        fields: &[
            Field::MODE,
            Field::READ_ONLY_ENDPOINTS,
            Field::SENTINEL_ENDPOINTS,
        ],
    };
}

/// A field of a response that only some interfaces have.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Field {
    /// Its key, in kebab case.
    pub name: &'static str,
    /// A second key under which version 0 has it, where existing providers write
    /// another one than the interface demands.
    pub v0_alias: Option<&'static str>,
}

impl Field {
    /// How a service is made highly available.
    pub const MODE: Self = Self::named("mode");
    /// Where only reading works, comma-separated.
    pub const READ_ONLY_ENDPOINTS: Self = Self::named("read-only-endpoints");
    /// Where clients learn which server is the primary, comma-separated. Version 0
    /// of existing providers has it with an underscore.
    pub const SENTINEL_ENDPOINTS: Self = Self {
        name: "sentinel-endpoints",
        v0_alias: Some("sentinel_endpoints"),
    };

    /// A field with one name in both versions.
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            v0_alias: None,
        }
    }

    /// Every key under which it may stand; in version 1 libraries write the first
    /// and read both.
    pub(crate) fn keys(self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.v0_alias)
    }
}
