//! Which of the etcds at hand a unit installs.

use std::path::PathBuf;

use crate::facts::Source;

/// What the operator has attached goes before what came with the charm, and that
/// before the distribution's packages, which are older. `None` where there is no
/// archive but programs that are installed: these stay.
pub fn choose(
    attached: Option<PathBuf>,
    packed: Option<PathBuf>,
    is_installed: bool,
) -> Option<Source> {
    match attached.or(packed) {
        Some(archive) => Some(Source::Archive(archive)),
        None if is_installed => None,
        None => Some(Source::Distribution),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_attached_goes_first_and_the_packages_last() {
        let attached = || Some(PathBuf::from("/resources/etcd.tar.gz"));
        let packed = || Some(PathBuf::from("/charm/etcd.tar.gz"));
        let archive = |path: Option<PathBuf>| path.map(Source::Archive);
        for is_installed in [false, true] {
            let choose = |attached, packed| choose(attached, packed, is_installed);
            assert_eq!(choose(attached(), packed()), archive(attached()));
            assert_eq!(choose(attached(), None), archive(attached()));
            assert_eq!(choose(None, packed()), archive(packed()));
        }
        assert_eq!(choose(None, None, false), Some(Source::Distribution));
        // Nobody has asked for another one.
        assert_eq!(choose(None, None, true), None);
    }
}
