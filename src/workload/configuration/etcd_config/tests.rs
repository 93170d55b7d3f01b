use super::*;
use crate::facts::machine::testing::{path, service_paths};
use crate::facts::tuning::{CLIENT_PORT, PEER_PORT};

fn rendered(address: &str, shown: ClientCertificate) -> String {
    let address = address.parse().expect("an address");
    EtcdConfig {
        name: &MemberName::new("etcd-0"),
        address,
        client_port: CLIENT_PORT,
        peer_port: PEER_PORT,
        bootstrap: Bootstrap {
            initial_cluster: &format!("etcd-0={}", https_url(address, PEER_PORT)),
            existing: false,
            token: "0815",
        },
        shown,
        paths: &ServicePaths {
            data_dir: path("/srv/a: b # c"),
            ..service_paths()
        },
        tuning: Tuning {
            heartbeat_interval: 100,
            election_timeout: 1000,
            quota_backend_bytes: 2 << 30,
            auto_compaction_mode: "periodic".to_owned(),
            auto_compaction_retention: "1h".to_owned(),
            snapshot_count: 10_000,
            log_level: "info".to_owned(),
        },
    }
    .render()
}

#[test]
fn the_whole_file() {
    let expected = "\
# Written by the charm, which will overwrite changes.
name: etcd-0
data-dir: '/srv/a: b # c'
listen-client-urls: https://10.0.0.1:2379
listen-peer-urls: https://10.0.0.1:2380
advertise-client-urls: https://10.0.0.1:2379
initial-advertise-peer-urls: https://10.0.0.1:2380
initial-cluster: etcd-0=https://10.0.0.1:2380
initial-cluster-state: new
initial-cluster-token: '0815'
client-transport-security:
  cert-file: /etc/pki/clients.pem
  key-file: /etc/pki/clients.pem
  client-cert-auth: true
  trusted-ca-file: /run/etcd-charm/etcd-0/loaded/trust.pem
peer-transport-security:
  cert-file: /etc/pki/server.crt
  key-file: /etc/pki/server.key
  client-cert-auth: true
  trusted-ca-file: /etc/pki/server-ca.crt
strict-reconfig-check: true
pre-vote: true
enable-pprof: false
enable-grpc-gateway: false
heartbeat-interval: 100
election-timeout: 1000
quota-backend-bytes: 2147483648
auto-compaction-mode: periodic
auto-compaction-retention: 1h
snapshot-count: 10000
log-level: info
logger: zap
log-outputs:
- stderr
";
    assert_eq!(rendered("10.0.0.1", ClientCertificate::Pair), expected);
    let own = expected
        .replacen("/etc/pki/clients.pem", "/etc/pki/server.crt", 1)
        .replacen("/etc/pki/clients.pem", "/etc/pki/server.key", 1);
    assert_eq!(rendered("10.0.0.1", ClientCertificate::OfPeers), own);
}

#[test]
fn ports_are_read_back() {
    for address in ["10.0.0.1", "fd00::1"] {
        let text = rendered(address, ClientCertificate::Pair);
        let ports = Ports {
            client: CLIENT_PORT,
            peer: PEER_PORT,
        };
        assert_eq!(ports_in(&text), Some(ports));
    }
    assert_eq!(ports_in("listen-client-urls: https://10.0.0.1:2379"), None);
    assert_eq!(ports_in(""), None);
}

#[test]
fn an_ipv6_address_stands_in_brackets() {
    let text = rendered("fd00::1", ClientCertificate::Pair);
    assert!(text.contains("\nlisten-client-urls: https://[fd00::1]:2379\n"));
    assert!(text.contains("\ninitial-cluster: etcd-0=https://[fd00::1]:2380\n"));
}

#[test]
fn a_path_cannot_add_a_key() {
    let text = rendered("10.0.0.1", ClientCertificate::Pair);
    let value: serde_yaml::Value = serde_yaml::from_str(&text).expect("YAML");
    assert_eq!(value["data-dir"], "/srv/a: b # c");
}
