//! The older interfaces, as the kit reads what the etcd charm writes.

use data_requirer::legacy::{LegacyAnswer, LegacyInterface};
use etcd_charm_world::juju::Charm;

use crate::setting::Setting;

const APP: &str = "old";

pub(crate) fn states() {
    for (interface, name, endpoint) in [
        (LegacyInterface::Etcd, "etcd", "db"),
        (LegacyInterface::EtcdProxy, "etcd-proxy", "proxy"),
    ] {
        let mut setting = Setting::new(7);
        let metadata = format!("name: old\nrequires:\n  etcd:\n    interface: {name}\n");
        setting.world.model.deploy(APP, Charm::puppet(&metadata));
        let relation = setting
            .world
            .model
            .integrate(&format!("etcd:{endpoint}"), &format!("{APP}:etcd"));
        let read = |setting: &Setting| {
            let bag = setting.world.model.unit_bag(relation, setting.etcd.clone());
            LegacyAnswer::read(interface, &[bag])
        };
        assert_eq!(read(&setting), LegacyAnswer::Connected);
        setting.world.settle();
        let LegacyAnswer::TlsAvailable(connection, credentials) = read(&setting) else {
            panic!("the provider has answered: {:?}", read(&setting));
        };

        // The files are what etcdctl takes.
        let directory = setting.world.model.directory().join("ssl/etcd");
        assert!(credentials.save(&directory).unwrap());
        let host = setting.world.model.address(setting.etcd.clone());
        let place = match interface {
            LegacyInterface::Etcd => format!("https://{host}:2379"),
            LegacyInterface::EtcdProxy => format!("etcd-0=https://{host}:2380"),
        };
        assert_eq!(connection.parts().collect::<Vec<_>>(), [place]);
        let file = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap();
        let certificate = etcd_charm_world::Certificate {
            common_name: APP.to_owned(),
            certificate: file("client-cert.pem"),
            chain: file("client-cert.pem"),
            key: file("client-key.pem"),
        };
        let url = format!("https://{host}:2379");
        let client = setting
            .world
            .client_told(&url, &certificate, &file("client-ca.pem"));
        client.insist(&["put", "key", "1"]);
    }
}
