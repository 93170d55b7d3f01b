//! What clients may do, as etcd tells it, and as they find out.

use etcd_charm_world::Etcdctl;

use crate::show::{Outcome, Show, Stop, check, complaint, failure};
use crate::table::Table;

/// Users, roles and ranges, as `etcdctl` prints them.
pub(crate) fn rights(show: &Show<'_>, number: usize) -> Outcome<()> {
    show.screen.step(
        number,
        "What etcd knows",
        "Each request is a user and a role for exactly one range of keys; the name is its certificate's.",
    );
    show.screen
        .command("etcdctl user list; etcdctl user get USER; etcdctl role get ROLE");
    let mut table = Table::of(&["User", "Roles", "KV Read", "KV Write", "Prefix"]);
    let users = show.admin_lines(&["user", "list"])?;
    let names = show
        .accesses
        .iter()
        .map(|access| &access.certificate.common_name);
    let mut expected: Vec<&str> = names.map(String::as_str).collect();
    expected.push("root");
    expected.sort_unstable();
    check(users == expected, || {
        format!("etcd's users are {}", users.join(", "))
    })?;
    for user in &users {
        let roles = show.admin_lines(&["user", "get", user])?.join(" ");
        let roles = roles
            .split("Roles:")
            .nth(1)
            .unwrap_or_default()
            .trim()
            .to_owned();
        check(roles == *user, || format!("{user} has the roles {roles}"))?;
        let mut row = vec![user.clone(), roles];
        if user == "root" {
            row.extend(["everything", "everything", ""].map(str::to_owned));
        } else {
            row.extend(permissions(show, user)?);
        }
        table.row(row);
    }
    table.show(show.screen);
    show.screen
        .good("each user has the one range that was asked for, and there is no user besides");
    Ok(())
}

/// The only range that a role may read and the only one that it may write, and
/// the prefix that this is.
fn permissions(show: &Show<'_>, role: &str) -> Outcome<[String; 3]> {
    let prefix = show.access(role)?.prefix;
    let lines = show.admin_lines(&["role", "get", role])?;
    let ranges: Vec<(&str, &str)> = lines
        .iter()
        .filter_map(|line| line.trim().split_once(" (prefix "))
        .collect();
    match ranges[..] {
        [(read, one), (write, other)] if lines.len() == 5 => {
            let own = format!("{prefix})");
            check(one == own && other == own, || {
                format!("{role} may {}", lines.join(" "))
            })?;
            Ok([read.to_owned(), write.to_owned(), prefix.to_owned()])
        }
        _ => Err(Stop::wrong(format!("{role} may {}", lines.join(" ")))),
    }
}

/// Puts and gets inside and outside of the prefix.
pub(crate) fn traffic(show: &Show<'_>, number: usize) -> Outcome<()> {
    show.screen.step(
        number,
        "Use it",
        "`shop` has its certificate and what it was told; outside of its prefix etcd denies everything.",
    );
    let shop = &show.access("shop")?.etcdctl;
    let web = &show.access("web-users")?.etcdctl;
    allowed(show, shop, &["put", "/shop/basket", "3 apples"], "OK")?;
    allowed(
        show,
        shop,
        &["get", "/shop/basket"],
        "/shop/basket 3 apples",
    )?;
    denied(show, shop, &["get", "/web/users/1"])?;
    denied(show, shop, &["put", "/shopping", "x"])?;
    denied(show, shop, &["get", "/", "--prefix"])?;
    denied(show, shop, &["user", "list"])?;
    check(web.run(&["put", "/web/users/1", "Ada"]).ok, || {
        "web cannot write its own key".to_owned()
    })?;
    check(web.run(&["get", "/shop/basket"]).is_denied(), || {
        "web reads what is shop's".to_owned()
    })?;
    show.screen
        .good("the same holds for `web`: it writes its own keys and cannot read those of `shop`");
    Ok(())
}

/// Runs and shows what must succeed.
pub(crate) fn allowed(
    show: &Show<'_>,
    client: &Etcdctl,
    args: &[&str],
    printed: &str,
) -> Outcome<()> {
    let answer = client.run(args);
    let command = command(args);
    check(answer.ok, || failure(&command, &answer))?;
    let text = answer
        .stdout
        .split('\n')
        .collect::<Vec<_>>()
        .join(" ")
        .trim()
        .to_owned();
    check(text == printed, || format!("{command} printed {text}"))?;
    line(show, &command, &text);
    Ok(())
}

/// Runs and shows what must be denied.
pub(crate) fn denied(show: &Show<'_>, client: &Etcdctl, args: &[&str]) -> Outcome<()> {
    let answer = client.run(args);
    let command = command(args);
    check(answer.is_denied(), || {
        format!(
            "{command} was not denied: {}{}",
            answer.stdout, answer.stderr
        )
    })?;
    line(show, &command, "permission denied");
    Ok(())
}

/// Runs and shows what must fail in the handshake already.
pub(crate) fn untrusted(show: &Show<'_>, client: &Etcdctl, whose: &str) -> Outcome<()> {
    let get = ["get", "/shop/basket"];
    // Its answer is that there is no answer, which need not take long.
    let answer = client.impatient().run(&get);
    let command = command(&get);
    check(answer.is_shut_out(), || {
        format!("{whose} is let in: {}{}", answer.stdout, complaint(&answer))
    })?;
    line(
        show,
        &command,
        &format!("no connection, etcd does not trust {whose}"),
    );
    Ok(())
}

fn command(args: &[&str]) -> String {
    let words = args.iter().map(|arg| match arg.contains(' ') {
        true => format!("'{arg}'"),
        false => (*arg).to_owned(),
    });
    format!("etcdctl {}", words.collect::<Vec<_>>().join(" "))
}

fn line(show: &Show<'_>, command: &str, outcome: &str) {
    show.screen.command(&format!("{command:<38}  {outcome}"));
}
