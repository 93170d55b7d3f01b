//! What stands beside credentials in their archive, for whoever opens it.

use crate::facts::{CommonName, Prefix, Timestamp};

/// Whom and what a note is about.
#[derive(Clone, Copy, Debug)]
pub struct CredentialsNote<'n> {
    /// The common name.
    pub common_name: &'n CommonName,
    /// The keys; those of all clients where there is no prefix.
    pub prefix: Option<&'n Prefix>,
    /// When the certificate stops being valid.
    pub not_after: Timestamp,
    /// Client URLs of the members, joined by commas.
    pub endpoints: &'n str,
    /// The application, for the commands of Juju.
    pub app: &'n str,
}

/// The note. Its lines that begin with four spaces can be run as they are.
pub fn note(note: CredentialsNote<'_>) -> String {
    let CredentialsNote {
        common_name,
        prefix,
        not_after,
        endpoints,
        app,
    } = note;
    let (keys, example, list) = match prefix {
        Some(prefix) => (
            format!("those that begin with {prefix}"),
            quoted(&format!("{}example", prefix.as_str())),
            format!("--prefix {}", quoted(prefix.as_str())),
        ),
        None => (
            "all but those that begin with a zero byte, which are the charm's".to_owned(),
            "example".to_owned(),
            // With an empty key these options begin at the zero byte.
            r#"--from-key "$(printf '\001')""#.to_owned(),
        ),
    };
    let name = format!("common-name={}", quoted(common_name.as_str()));
    let again = match prefix {
        Some(prefix) => format!("{name} prefix={}", quoted(prefix.as_str())),
        None => name.clone(),
    };
    format!(
        "Credentials for etcd

common name: {common_name}
valid until: {not_after}
keys:        {keys}

client.crt   the certificate
client.key   its private key; whoever has it has these keys of etcd
ca.crt       the authority that the members of the cluster are checked with

In the directory of these files, with etcdctl 3.4 or newer:

    export ETCDCTL_API=3
    export ETCDCTL_ENDPOINTS={endpoints}
    export ETCDCTL_CACERT=\"$PWD/ca.crt\"
    export ETCDCTL_CERT=\"$PWD/client.crt\"
    export ETCDCTL_KEY=\"$PWD/client.key\"
    etcdctl put {example} value
    etcdctl get {example}
    etcdctl get {list} --keys-only
    etcdctl del {example}

Where Juju is at hand: to reach etcd from outside the model,
  juju expose {app}
to get another archive for the same name and keys before this one expires,
  juju run {app}/leader generate-client-certificates {again}
and to revoke all certificates of this name:
  juju run {app}/leader revoke-client-certificates {name}
"
    )
}

/// A text as one word of a shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(prefix: Option<&str>) -> Vec<String> {
        let text = whole(prefix);
        let commands = text.lines().filter_map(|line| line.strip_prefix("    "));
        commands.map(str::to_owned).collect()
    }

    fn whole(prefix: Option<&str>) -> String {
        let prefix = prefix.map(|text| Prefix::new(text).expect("a prefix"));
        note(CredentialsNote {
            common_name: &"client".parse().expect("a name"),
            prefix: prefix.as_ref(),
            not_after: Timestamp(1_800_000_000),
            endpoints: "https://10.0.0.1:2379",
            app: "etcd",
        })
    }

    #[test]
    fn the_example_lies_where_the_keys_are() {
        let all = lines(None);
        assert!(all.contains(&"etcdctl put example value".to_owned()));
        let some = lines(Some("/it's/"));
        assert!(some.contains(&r"etcdctl put '/it'\''s/example' value".to_owned()));
        assert!(some.contains(&r"etcdctl get --prefix '/it'\''s/' --keys-only".to_owned()));
        let again = r"  juju run etcd/leader generate-client-certificates common-name='client' prefix='/it'\''s/'";
        let note = whole(Some("/it's/"));
        assert!(note.lines().any(|line| line == again), "{note}");
        let revoke = "  juju run etcd/leader revoke-client-certificates common-name='client'";
        assert!(note.lines().any(|line| line == revoke), "{note}");
        assert_eq!(all.len(), some.len());
    }
}
