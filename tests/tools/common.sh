# What the set-up and CI share. It is read with `.` and expects `root` to be the root directory of the repository.

tools=$root/target/tools

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# work_directory: prints a new directory below target/tools; whoever makes it moves it to its place, or removes it.
# A tool that is only ever renamed into its place is either whole or not there, whenever the set-up is interrupted.
work_directory() {
    mkdir -p "$tools/making"
    mktemp -d "$tools/making/XXXXXX"
}

# debian_download <package>…: fetches the packages' archives into the current directory, without installing them.
# The sandbox option is there because apt's own user may not write below a home directory, and would say so each time.
debian_download() {
    have apt-get || { say "no apt-get here, so no $*"; return 1; }
    local fetch=(apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$@")
    if "${fetch[@]}" >apt.log 2>&1; then return 0; fi
    # Package lists that are missing or older than the archive are the usual reason, and only root may renew them.
    if [ "$(id -u)" -ne 0 ]; then
        say "apt cannot download $*: $(tail -n 1 apt.log). Perhaps its lists are missing: run 'sudo apt-get update'"
        return 1
    fi
    if [ -z "${lists_renewed:-}" ]; then
        lists_renewed=1
        say "renewing apt's package lists"
        apt-get -qq update >apt.log 2>&1 || say "apt-get update: $(tail -n 1 apt.log)"
    fi
    "${fetch[@]}" >apt.log 2>&1 || { say "apt cannot download $*: $(tail -n 1 apt.log)"; return 1; }
}

# debian_unpack <package>…: the same, and unpacks them below the current directory.
debian_unpack() {
    debian_download "$@" || return 1
    local archive
    for archive in *.deb; do dpkg -x "$archive" . && rm "$archive"; done
}
