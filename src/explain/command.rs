//! Commands that an operator copies from the results of an action.

/// `juju run` prints results as YAML, which breaks a line at the first space
/// behind column 80. So much is left of it for a command below two keys.
const ROOM: usize = 66;

/// A command that is copied as it is, however Juju prints it: a long one is
/// continued on a second line, in the shell's own way. A text of several lines is
/// printed as it is.
pub fn operator_command(words: &str, last: &str) -> String {
    let whole = format!("{words} {last}");
    match whole.chars().count() <= ROOM {
        true => whole,
        false => format!("{words} \\\n  {last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_never_broken_where_a_shell_would_not_go_on() {
        assert_eq!(
            operator_command("juju scp etcd/0:a", "."),
            "juju scp etcd/0:a ."
        );
        let long = format!("juju scp etcd/0:/{}", "x".repeat(60));
        assert_eq!(operator_command(&long, "."), format!("{long} \\\n  ."));
    }
}
