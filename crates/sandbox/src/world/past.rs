//! The world as it was.
use super::{Key, Object, World};
use std::collections::BTreeMap;

/// What differs from now, and how that was.
#[derive(Debug, Default)]
pub(crate) struct Past(pub(super) BTreeMap<Key, Option<Object>>);

impl Past {
    pub(crate) fn get<'a>(&'a self, world: &'a World, key: &Key) -> Option<&'a Object> {
        match self.0.get(key) {
            Some(before) => before.as_ref(),
            None => world.get(key),
        }
    }

    /// Returns the objects of a kind, in the order of ids.
    pub(crate) fn of<'a>(&'a self, world: &'a World, kind: &str) -> Vec<(&'a Key, &'a Object)> {
        let still = world.of(kind).filter(|(key, _)| !self.0.contains_key(key));
        let then = self.0.iter().filter(|(key, _)| key.kind == kind);
        let then = then.filter_map(|(key, before)| Some((key, before.as_ref()?)));
        let mut all: Vec<_> = still.chain(then).collect();
        all.sort_by_key(|(key, _)| *key);
        all
    }
}
