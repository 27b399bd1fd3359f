//! The model of the world that every simulated cloud shares: objects, and what becomes of them.
mod chance;
mod object;
mod past;

use crate::clock::Time;
pub use object::{Key, Object};
pub(crate) use past::Past;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// How long what was is remembered, for reads that lag.
const MEMORY: Time = 60_000;

/// What the kinds begin with that are watched.
const WATCHED: &str = "kubernetes.";

/// How many changes are remembered for those who watch.
const NEWS: usize = 500;

/// How an object was before a change; `None` when there was none.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Change {
    at: Time,
    key: Key,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Object>,
}

/// A moment in the life of an object: it was made or changed, or went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Moment {
    /// Simulated time, in milliseconds since 1970.
    time: Time,
    #[serde(flatten)]
    key: Key,
    /// How it was from then on; `None` when it was gone.
    status: Option<String>,
}

/// One change to an object that is watched: its serial, and how the object was before.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct News {
    serial: u64,
    key: Key,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Object>,
}

/// A change as it is told: its serial, the object, and how that was before and is after it.
pub(crate) type Told<'a> = (u64, &'a Key, Option<&'a Object>, Option<&'a Object>);

/// What a world file says of itself.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
enum Format {
    #[default]
    #[serde(rename = "provision.sandbox/v1")]
    V1,
}

/// Everything that exists.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct World {
    format: Format,
    /// The seed of everything that chance decides.
    pub seed: u64,
    /// How many changes there have been.
    pub serial: u64,
    /// Simulated time of the last request, in milliseconds since 1970.
    pub now: Time,
    /// When it began.
    #[serde(default)]
    began: Time,
    drawn: u64,
    /// When a request last changed something.
    #[serde(default)]
    touched: Time,
    /// What the clouds keep in mind that is no object: who called before, and with which token.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    notes: BTreeMap<String, Value>,
    #[serde(with = "entries")]
    objects: BTreeMap<Key, Object>,
    /// What was a moment ago, the newest last.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    past: VecDeque<Change>,
    /// What happened since somebody asked.
    #[serde(skip)]
    moments: Vec<Moment>,
    /// What happened to objects that are watched, the newest last.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    news: VecDeque<News>,
    /// The serial of the last change to them that is not remembered.
    #[serde(default)]
    forgotten: u64,
    /// The bodies that somebody has looked at, each until it changes.
    #[serde(skip)]
    views: RefCell<HashMap<Key, Arc<Value>>>,
}

impl World {
    /// Makes an empty world.
    pub fn new(seed: u64, now: Time) -> Self {
        Self { seed, now, began: now, ..Self::default() }
    }

    /// Returns an object.
    pub fn get(&self, key: &Key) -> Option<&Object> {
        self.objects.get(key)
    }

    /// Returns the body of an object for who only looks at it, which costs no copy from the second
    /// time on.
    pub(crate) fn view(&self, key: &Key) -> Option<Arc<Value>> {
        let object = self.objects.get(key)?;
        let mut views = self.views.borrow_mut();
        if let Some(view) = views.get(key) {
            return Some(view.clone());
        }
        let view = Arc::new(Value::Object(object.body.clone()));
        views.insert(key.clone(), view.clone());
        Some(view)
    }

    /// Returns every object, in the order of keys.
    pub fn objects(&self) -> impl Iterator<Item = (&Key, &Object)> {
        self.objects.iter()
    }

    /// Returns the objects of a kind, in the order of ids.
    pub fn of<'a>(&'a self, kind: &str) -> impl Iterator<Item = (&'a Key, &'a Object)> + use<'a> {
        let from = Key::new(kind, "");
        let kind = kind.to_owned();
        self.objects.range(from..).take_while(move |(key, _)| key.kind == kind)
    }

    /// Puts another world in the place of this one. What is made from then on is newer than either,
    /// and who watched has to look anew.
    pub(crate) fn replace(&mut self, other: Self) {
        let serial = self.serial.max(other.serial) + 1;
        *self = Self { serial, forgotten: serial, news: VecDeque::new(), ..other };
    }

    /// Takes everything away; time and seed stay.
    pub(crate) fn clear(&mut self) {
        self.objects.clear();
        self.views.get_mut().clear();
        self.past.clear();
        self.news.clear();
        self.forgotten = self.serial + 1;
        self.notes.clear();
        self.drawn = 0;
        self.touched = 0;
        self.serial += 1;
    }

    pub(crate) fn put(&mut self, key: Key, object: Object) {
        let before = self.objects.insert(key.clone(), object);
        self.changed(key, before);
    }

    pub(crate) fn edit<T>(&mut self, key: &Key, edit: impl FnOnce(&mut Object) -> T) -> Option<T> {
        let object = self.objects.get_mut(key)?;
        let before = object.clone();
        let result = edit(object);
        if *object != before {
            self.changed(key.clone(), Some(before));
        }
        Some(result)
    }

    pub(crate) fn remove(&mut self, key: &Key) -> Option<Object> {
        let before = self.objects.remove(key)?;
        self.changed(key.clone(), Some(before.clone()));
        Some(before)
    }

    /// Returns what was noted under a name.
    pub(crate) fn noted(&self, name: &str) -> Option<&Value> {
        self.notes.get(name)
    }

    pub(crate) fn note(&mut self, name: String, value: Value) {
        self.notes.insert(name, value);
        self.serial += 1;
    }

    fn changed(&mut self, key: Key, before: Option<Object>) {
        self.serial += 1;
        self.views.get_mut().remove(&key);
        let status = self.objects.get(&key).map(|object| object.status().to_owned());
        self.moments.push(Moment { time: self.now, key: key.clone(), status });
        let now = self.objects.get(&key).map(|object| &object.body);
        let is_other = before.as_ref().map(|object| &object.body) != now;
        if is_other && key.kind.starts_with(WATCHED) {
            let news = News { serial: self.serial, key: key.clone(), before: before.clone() };
            self.news.push_back(news);
        }
        while self.news.len() > NEWS {
            self.forgotten = self.news.pop_front().map_or(0, |news| news.serial);
        }
        self.past.push_back(Change { at: self.now, key, before });
        // Only here: whoever only asks changes nothing but the time, and which numbers are drawn next.
        let old = self.now.saturating_sub(MEMORY);
        while self.past.front().is_some_and(|change| change.at < old) {
            self.past.pop_front();
        }
    }

    /// Returns what happened since this was asked last.
    pub(crate) fn moments(&mut self) -> Vec<Moment> {
        std::mem::take(&mut self.moments)
    }

    /// Returns what happened to the objects of a kind that is watched after a serial; `None` when
    /// that is not remembered any more.
    pub(crate) fn since(&self, serial: u64, kind: &str) -> Option<Vec<Told<'_>>> {
        if serial < self.forgotten {
            return None;
        }
        let later = || self.news.iter().filter(|news| news.serial > serial);
        let told = later().filter(|news| news.key.kind == kind).map(|news| {
            let mut next = later().filter(|it| it.serial > news.serial && it.key == news.key);
            let after = next.next().map_or_else(|| self.get(&news.key), |it| it.before.as_ref());
            (news.serial, &news.key, news.before.as_ref(), after)
        });
        Some(told.collect())
    }

    /// Returns the kinds of what was changed after a serial, by the work that goes on.
    pub(crate) fn changed_since(&self, serial: u64) -> Vec<String> {
        let changes = usize::try_from(self.serial - serial).unwrap_or(usize::MAX);
        self.moments.iter().rev().take(changes).map(|moment| moment.key.kind.clone()).collect()
    }

    /// Notes that a request changed something now.
    pub(crate) fn touch(&mut self) {
        self.touched = self.now;
    }

    /// Returns when something happens next by itself, for a clock to jump to: once the last change
    /// is so long ago that everybody has seen it, so that no jump hides what lags. Only what `counts`
    /// is jumped to, by object and word.
    pub(crate) fn jump(&self, lag: Time, counts: impl Fn(&Key, &str) -> bool) -> Option<Time> {
        if self.now < self.touched.saturating_add(lag) {
            return None;
        }
        let next = |(key, object): (&Key, &Object)| {
            Some(object.turns.iter().find(|turn| counts(key, &turn.word))?.at)
        };
        self.objects.iter().filter_map(next).min()
    }

    /// Returns what is due next, if that is by `until`.
    fn due(&self, until: Time) -> Option<(Time, Key)> {
        let next = |(key, object): (&Key, &Object)| Some((object.turns.front()?.at, key.clone()));
        self.objects.iter().filter_map(next).filter(|(at, _)| *at <= until).min()
    }

    /// Moves time on to `now`, and does what is due by then, in its order.
    pub(crate) fn advance(&mut self, now: Time, mut turn: impl FnMut(&mut Self, &Key, &str)) {
        while let Some((at, key)) = self.due(now) {
            self.now = self.now.max(at);
            let word = self.edit(&key, |object| object.turns.pop_front()).flatten();
            turn(self, &key, &word.expect("it was due").word);
        }
        self.now = self.now.max(now);
    }

    /// Returns how the world was at a time, as far as it is remembered.
    pub(crate) fn at(&self, time: Time) -> Past {
        let later = self.past.iter().rev().take_while(|change| change.at > time);
        let mut changes = BTreeMap::new();
        for change in later {
            changes.insert(change.key.clone(), change.before.clone());
        }
        Past(changes)
    }
}

/// Objects as a list of pairs: JSON has no other keys than texts.
mod entries {
    use super::{Key, Object};
    use serde::{Deserialize, Deserializer, Serializer};
    use std::collections::BTreeMap;

    pub(super) fn serialize<S: Serializer>(
        objects: &BTreeMap<Key, Object>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(objects)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Key, Object>, D::Error> {
        Ok(Vec::<(Key, Object)>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Object {
        let mut object = Object::default();
        object.set("name", name);
        object
    }

    #[test]
    fn a_view_is_of_what_is_there_now() {
        let (mut world, key) = (World::new(1, 0), Key::new("k", "a"));
        let seen = |world: &World| Some(world.view(&Key::new("k", "a"))?["name"].clone());
        assert_eq!(seen(&world), None);
        world.put(key.clone(), named("one"));
        assert_eq!(seen(&world), Some("one".into()));
        assert!(Arc::ptr_eq(&world.view(&key).unwrap(), &world.view(&key).unwrap()), "no copy");
        world.edit(&key, |object| object.set("name", "two"));
        assert_eq!(seen(&world), Some("two".into()));
        world.put(key.clone(), named("three"));
        assert_eq!(seen(&world), Some("three".into()));
        let mut other = World::new(2, 0);
        other.put(key.clone(), named("four"));
        world.replace(other);
        assert_eq!(seen(&world), Some("four".into()));
        world.remove(&key);
        assert_eq!(seen(&world), None);
        world.put(key, named("five"));
        assert_eq!(seen(&world), Some("five".into()));
        world.clear();
        assert_eq!(seen(&world), None);
    }

    #[test]
    fn what_is_due_happens_in_its_order_and_can_bring_more() {
        let mut world = World::new(1, 0);
        for (id, at) in [("a", 30), ("b", 20)] {
            let mut object = named(id);
            object.later(at, "ready");
            world.put(Key::new("k", id), object);
        }
        let mut seen = Vec::new();
        world.advance(100, |world, key, word| {
            seen.push((world.now, key.id.clone(), word.to_owned()));
            if word == "ready" && key.id == "b" {
                world.edit(key, |object| object.later(25, "old"));
            }
        });
        let words: Vec<_> = seen.iter().map(|(at, id, word)| format!("{at} {id} {word}")).collect();
        assert_eq!(words, ["20 b ready", "25 b old", "30 a ready"]);
        assert_eq!(world.now, 100);
    }

    #[test]
    fn no_clock_jumps_over_what_was_just_changed() {
        let mut world = World::new(1, 100_000);
        let mut object = named("a");
        object.later(800_000, "forgotten");
        object.later(900_000, "ready");
        world.put(Key::new("k", "a"), object);
        world.touch();
        world.now = 114_999;
        assert_eq!(world.jump(15_000, |_, _| true), None);
        world.now = 115_000;
        assert_eq!(world.jump(15_000, |_, _| true), Some(800_000));
        assert_eq!(world.jump(15_000, |_, word| word != "forgotten"), Some(900_000));
        assert_eq!(world.jump(15_000, |key, _| key.kind != "k"), None, "what waits does not count");
    }

    #[test]
    fn the_past_is_what_was_then() {
        let mut world = World::new(1, 1_000);
        let key = |id| Key::new("k", id);
        world.put(key("a"), named("first"));
        world.now = 2_000;
        world.edit(&key("a"), |object| object.set("name", "second"));
        world.put(key("b"), named("new"));
        world.now = 3_000;
        world.remove(&key("a"));
        let names = |time| {
            let past = world.at(time);
            let all = past.of(&world, "k");
            all.iter().map(|(_, object)| object.text("name").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(500), [""; 0]);
        assert_eq!(names(1_500), ["first"]);
        assert_eq!(names(2_500), ["second", "new"]);
        assert_eq!(names(3_500), ["new"]);
        world.now = 90_000;
        world.remove(&key("b"));
        assert_eq!(world.past.len(), 1, "what was long ago is forgotten");
    }

    #[test]
    fn every_change_is_told_once_and_in_its_order() {
        let mut world = World::new(1, 1_000);
        let mut object = named("a");
        object.set("status", "CREATING");
        object.later(2_000, "ready");
        world.put(Key::new("k", "a"), object);
        world.advance(3_000, |world, key, _| {
            world.edit(key, |object| object.set("status", "ACTIVE")).expect("it is there");
        });
        world.remove(&Key::new("k", "a"));
        let told: Vec<_> = world.moments().into_iter().map(|it| (it.time, it.status)).collect();
        let status = |word: &str| Some(word.to_owned());
        let [made, turned] = [(1_000, status("CREATING")), (2_000, status("CREATING"))];
        assert_eq!(told, [made, turned, (2_000, status("ACTIVE")), (3_000, None)]);
        assert_eq!(world.moments(), []);
    }

    #[test]
    fn a_world_survives_being_written() {
        let mut world = World::new(7, 5);
        world.put(Key::new("k", "a"), named("x"));
        let drawn = world.digits(4);
        let text = serde_json::to_string(&world).unwrap();
        let mut again: World = serde_json::from_str(&text).unwrap();
        assert_eq!(again.get(&Key::new("k", "a")), world.get(&Key::new("k", "a")));
        assert_eq!(again.digits(4), world.digits(4));
        assert_ne!(drawn, world.digits(4));
    }
}
