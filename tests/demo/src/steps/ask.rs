//! Two applications ask for access, and what they are told.

use etcd_charm_world::juju::RelationId;
use etcd_charm_world::{Certificate, Request, V0, V1};
use sha2::{Digest as _, Sha256};

use crate::show::{Access, Outcome, Show, check};
use crate::view::{databags, status};

/// The two requests of `web`: user and prefix.
const WEB: [(&str, &str); 2] = [("web-pages", "/web/pages/"), ("web-users", "/web/users/")];

/// Relates both, all at once, as a bundle would.
pub(crate) fn relate(show: &mut Show<'_>, number: usize) -> Outcome<()> {
    show.screen.step(
        number,
        "Relate two with certificates of their own",
        "Each request names a prefix and brings a certificate of its own; one restart lets all of them in.",
    );
    show.screen.command("juju integrate etcd shop");
    show.screen.command("juju integrate etcd web");
    let starts = show.starts();
    let relation = show.world.relate("shop");
    let shop_certificate = show.authority.issue("shop");
    let model = &mut show.world.model;
    let mut shop = V0::ask(model, "shop", relation, "/shop/");
    shop.set_certificate(model, &shop_certificate.certificate);

    let relation = show.world.relate("web");
    let requests = WEB.map(|(_, prefix)| request(prefix)).to_vec();
    let mut web = V1::ask(&mut show.world.model, "web", relation, requests);
    let web_certificates = WEB.map(|(user, _)| show.authority.issue(user));
    for (index, certificate) in web_certificates.iter().enumerate() {
        web.set_certificate(&mut show.world.model, index, &certificate.certificate);
    }

    show.settle()?;
    status::show(show, &["shop", "web"]);
    let message = show.world.model.app_status("etcd").message;
    check(message.is_empty(), || {
        format!("a request is not in force: {message}")
    })?;
    take_shop(show, &shop, shop_certificate)?;
    take_web(show, &web, &web_certificates)?;
    let restarts = show.starts() - starts;
    check(restarts == 1, || {
        format!("etcd was restarted {restarts} times")
    })?;
    show.screen
        .good("3 requests are granted and answered; etcd was restarted once for all of them");
    show.shop = Some(shop);
    show.web = Some(web);
    Ok(())
}

/// A request as the library makes it: its id is a hash of what it asks for.
fn request(prefix: &str) -> Request {
    let salt: String = prefix
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .cycle()
        .take(16)
        .collect();
    let digest = Sha256::digest(format!("{prefix}:{salt}"));
    let id: String = digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Request::new(prefix, &id, &salt)
}

fn take_shop(show: &mut Show<'_>, shop: &V0, certificate: Certificate) -> Outcome<()> {
    let bag = show.world.model.app_bag(shop.relation, "etcd");
    let told = |key: &str| bag.get(key).cloned().unwrap_or_default();
    add(
        show,
        "shop",
        "/shop/",
        certificate,
        [told("secret-user"), told("secret-tls")],
    )
}

fn take_web(show: &mut Show<'_>, web: &V1, certificates: &[Certificate]) -> Outcome<()> {
    let bag = show.world.model.app_bag(web.relation, "etcd");
    let answers = bag.get("requests").map_or("[]", String::as_str);
    let answers: serde_json::Value = serde_json::from_str(answers).unwrap_or_default();
    for (certificate, request) in certificates.iter().zip(&web.requests) {
        let answer = answers
            .as_array()
            .into_iter()
            .flatten()
            .find(|answer| answer["request-id"].as_str() == request.id.as_deref());
        let told = |key: &str| {
            let uri = answer.and_then(|answer| answer[key].as_str());
            uri.unwrap_or_default().to_owned()
        };
        let secrets = [told("secret-user"), told("secret-tls")];
        let prefix = WEB
            .iter()
            .find(|(user, _)| *user == certificate.common_name);
        let prefix = prefix.map_or("", |(_, prefix)| prefix);
        add(show, "web", prefix, certificate.clone(), secrets)?;
    }
    Ok(())
}

fn add(
    show: &mut Show<'_>,
    app: &'static str,
    prefix: &'static str,
    certificate: Certificate,
    [secret_user, secret_tls]: [String; 2],
) -> Outcome<()> {
    let name = &certificate.common_name;
    check(!secret_user.is_empty() && !secret_tls.is_empty(), || {
        format!("{app} was not answered for {name}")
    })?;
    let told = show.world.secret_as(app, &secret_user);
    check(told.get("username") == Some(name), || {
        format!("{app} was told another user than {name}")
    })?;
    let etcdctl = show.client(app, &certificate, &secret_user, &secret_tls);
    show.accesses.push(Access {
        app,
        prefix,
        certificate,
        secret_user,
        secret_tls,
        etcdctl,
    });
    Ok(())
}

/// What is in the databags.
pub(crate) fn databags(show: &mut Show<'_>, number: usize) -> Outcome<()> {
    show.screen.step(
        number,
        "What they tell each other",
        "Databags name secrets and do not hold them; in braces the keys in a secret, content is not shown.",
    );
    let relations: Vec<(RelationId, &str, &str)> = [
        show.shop
            .as_ref()
            .map(|shop| (shop.relation, "shop", "interface v0")),
        show.web
            .as_ref()
            .map(|web| (web.relation, "web", "interface v1")),
    ]
    .into_iter()
    .flatten()
    .collect();
    for (relation, app, dialect) in relations {
        databags::show(show, relation, app, dialect);
        for side in [app, "etcd"] {
            let bag = show.world.model.app_bag(relation, side);
            let is_clean = !bag.values().any(|value| value.contains("-----BEGIN"));
            check(is_clean, || {
                format!("a key or certificate stands in the databag of {side}")
            })?;
        }
    }
    let access = show.access("shop")?;
    let (app, uri) = (access.app, access.secret_tls.clone());
    let tls = show.world.secret_as(app, &uri);
    let name = databags::certificate_name(&tls["tls-ca"])?;
    show.screen
        .good(&format!("all can read what they were sent; tls-ca: {name}"));
    Ok(())
}
