//! The main job, narrated, for `make demo-lxd`.

use std::io::Write as _;
use std::time::Instant;

use serde_json::json;

use crate::server::Server;
use crate::world::{Client, World};

/// Shows how an application gets access to LXD, and how that ends.
pub(crate) fn show() {
    let begun = Instant::now();
    say("An LXD starts: the real program, in a directory of its own.");
    let server = Server::start();
    say(&format!("  it listens at {}", server.endpoint));
    let mut world = World::untrusted(&server, 1);
    say("\n$ juju deploy lxd-integrator");
    status(&world);
    say("\n$ juju trust lxd-integrator --scope=cluster");
    world.model.trust("lxd-integrator", true);
    world.settle();
    status(&world);

    let client = Client::new();
    say("\nThe application my-app has a key of its own. LXD does not know it:");
    trusted(&client, &server);
    say("\n$ juju integrate lxd-integrator:api my-app:lxd");
    let relation = world.relate("my-app");
    world.ask(relation, "my-app/0", &[&client.certificate]);
    world.settle();
    status(&world);
    trusted(&client, &server);
    let nodes = json!(world.nodes(relation, "lxd-integrator/0"));
    let shown = &nodes[0];
    say(&format!(
        "  my-app is told: endpoint {}, trusted_certs_fp {}",
        shown["endpoint"], shown["trusted_certs_fp"]
    ));

    say("\n$ juju config lxd-integrator restricted-projects=default");
    let option = "restricted-projects";
    world.configure(option, "default");
    world.settle();
    status(&world);

    say("\n$ juju run lxd-integrator/leader list-certificates");
    let (results, _) = world.action("list-certificates", json!({}));
    say(&serde_json::to_string_pretty(&results).expect("JSON"));

    say("\n$ juju remove-relation lxd-integrator:api my-app:lxd");
    world.model.remove_relation(relation);
    world.settle();
    status(&world);
    trusted(&client, &server);
    say(&format!(
        "\nDone in {:.1} s.",
        begun.elapsed().as_secs_f64()
    ));
}

fn status(world: &World<'_>) {
    say(&format!("  lxd-integrator/0  {}", world.status()));
}

fn trusted(client: &Client, server: &Server) {
    let auth = match client.is_trusted(server) {
        true => "trusted",
        false => "untrusted, or restricted",
    };
    say(&format!("  my-app asks LXD with its own key: {auth}"));
}

fn say(text: &str) {
    writeln!(std::io::stdout(), "{text}").expect("somebody reads");
}
