//! Relations end.

use crate::show::{Outcome, Show, Stop, check};
use crate::steps::use_it::untrusted;
use crate::view::counts::{self, Counts};

/// First one relation, then all of them.
pub(crate) fn remove(show: &mut Show<'_>, number: usize) -> Outcome<()> {
    show.screen.step(
        number,
        "Take it back",
        "A relation that ends leaves nothing but its data: first `shop` goes, then everybody else.",
    );
    let at_first = show
        .at_first
        .clone()
        .ok_or_else(|| Stop::wrong("nothing was counted"))?;
    let with_all = Counts::take(show)?;
    let shop = show.access("shop")?.etcdctl.clone();
    let missing = |what: &str| Stop::wrong(format!("{what} is not related"));
    let relation = show.shop.as_ref().ok_or_else(|| missing("shop"))?.relation;
    show.screen.command("juju remove-relation etcd shop");
    show.world.model.remove_relation(relation);
    show.settle()?;
    let answer = shop.run(&["get", "/shop/basket"]);
    check(!answer.ok, || {
        "shop still reads after its relation is gone".to_owned()
    })?;
    show.pass_time()?;
    untrusted(show, &shop, "shop")?;
    let without_shop = Counts::take(show)?;
    for access in show.accesses.iter().filter(|access| access.app != "shop") {
        let key = format!("{}still-here", access.prefix);
        check(access.etcdctl.run(&["get", &key]).ok, || {
            format!(
                "{} lost its access with shop",
                access.certificate.common_name
            )
        })?;
    }

    show.screen
        .command("juju remove-relation etcd web; …mallory; …eve");
    let web = show.web.as_ref().ok_or_else(|| missing("web"))?.relation;
    for relation in std::iter::once(web).chain(show.refused.clone()) {
        show.world.model.remove_relation(relation);
    }
    show.settle()?;
    show.pass_time()?;
    let at_last = Counts::take(show)?;
    counts::show(
        show,
        &[
            ("at first", &at_first),
            ("all related", &with_all),
            ("without shop", &without_shop),
            ("without all", &at_last),
        ],
    );
    nothing_is_left(show, [&at_first, &with_all, &without_shop, &at_last])
}

/// That everything made for clients is gone, and nothing else, by these counts.
fn nothing_is_left(
    show: &mut Show<'_>,
    [at_first, with_all, without_shop, at_last]: [&Counts; 4],
) -> Outcome<()> {
    check(without_shop.trusted() + 1 == with_all.trusted(), || {
        "the certificate of shop is still trusted".to_owned()
    })?;
    check(at_last.is_access_of(at_first), || {
        "something of a client is left behind".to_owned()
    })?;
    check(at_last.data == with_all.data && at_last.data > 0, || {
        "data of clients was deleted".to_owned()
    })?;
    let message = show.world.model.app_status("etcd").message;
    check(message.is_empty(), || {
        format!("the status still says: {message}")
    })?;
    show.screen
        .good("everything that was made for a client is gone; what clients stored is still there");
    Ok(())
}
