# What the scripts of this directory share. It is read with `.` after tests/tools/common.sh.

machines=$tools/machines

# Those who call us may have neither the paths of root nor modes by which others can read the files of a system.
PATH=$PATH:/usr/sbin:/sbin
umask 022

# A run mounts a file system of its own here, which nobody else sees and which is gone when the run is.
place=/mnt

# The address of the tests themselves, of a network that documentation may use and nobody has. The machines' are beside it.
bridge_address=192.0.2.1/24

# The cgroups of a run are named so, with the process that cleans up after it.
cgroup_prefix=etcd-charm-machines

# cgroup_roots: prints where the systemd of a machine wants a cgroup to divide. In version 2 of cgroups that is one
# place; in version 1 systemd has a hierarchy for itself, and may use one of version 2 beside it.
cgroup_roots() {
    local directory
    for directory in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
        if [ -e "$directory/cgroup.procs" ]; then echo "$directory"; fi
    done
}

# remove_cgroups <name>: once their processes are gone, for which it waits some seconds.
remove_cgroups() {
    local directory attempt
    for directory in $(cgroup_roots); do
        for attempt in {1..50}; do
            [ -d "$directory/$1" ] || break
            find "$directory/$1" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.2
        done
    done
}
