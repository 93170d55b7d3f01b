//! A certificate is replaced in place.

use crate::show::{Outcome, Show, Stop, check};
use crate::steps::use_it::{allowed, untrusted};

/// A new revision of the secret that holds the certificate of `shop`.
pub(crate) fn rotate(show: &mut Show<'_>, number: usize) -> Outcome<()> {
    show.screen.step(
        number,
        "Renew a certificate",
        "`shop` puts a new one into the same secret; from then on it is the only one that counts.",
    );
    let starts = show.starts();
    let before = show.access("shop")?.etcdctl.clone();
    let renewed = show.authority.issue("shop");
    let mut shop = show
        .shop
        .clone()
        .ok_or_else(|| Stop::wrong("shop is not related"))?;
    let told = show.world.model.app_bag(shop.relation, "etcd");
    let users = show.admin_lines(&["user", "list"])?;
    shop.set_certificate(&mut show.world.model, &renewed.certificate);
    let runs = show.settle()?;
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    check(names == ["secret-changed"], || {
        format!("these hooks ran: {}", names.join(", "))
    })?;

    let access = show.access("shop")?;
    let (user, tls) = (access.secret_user.clone(), access.secret_tls.clone());
    let client = show.client("shop", &renewed, &user, &tls);
    allowed(
        show,
        &client,
        &["get", "/shop/basket"],
        "/shop/basket 3 apples",
    )?;
    untrusted(show, &before, "the old one")?;
    check(
        show.world.model.app_bag(shop.relation, "etcd") == told,
        || "the answer to shop has changed".to_owned(),
    )?;
    check(show.admin_lines(&["user", "list"])? == users, || {
        "the users have changed".to_owned()
    })?;
    let restarts = show.starts() - starts;
    check(restarts == 1, || {
        format!("etcd was restarted {restarts} times")
    })?;
    show.screen
        .good("the new one is let in: same user, same secrets, same data; one hook and one restart of etcd");
    for access in &mut show.accesses {
        if access.certificate.common_name == "shop" {
            access.certificate = renewed.clone();
            access.etcdctl = client.clone();
        }
    }
    Ok(())
}
