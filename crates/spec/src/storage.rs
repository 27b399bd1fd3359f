//! The `storageClasses` of a cluster file.

use std::ops::RangeInclusive;

use crate::fields::{Field, Fields};
use crate::profile::Profile;

/// A storage class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageClass {
    /// Names it.
    pub name: String,
    /// Says what volumes are made of.
    pub kind: StorageKind,
    /// Says whether it serves claims that name no class.
    pub default: bool,
    /// Says whether volumes are encrypted.
    pub encrypted: bool,
    /// Says what becomes of a volume when its claim is deleted.
    pub reclaim: Reclaim,
    /// Says how many operations a second a volume takes, where not as many as the cloud's usual.
    pub iops: Option<u32>,
    /// Says how many megabytes a second a volume takes, where not as many as the cloud's usual.
    pub throughput: Option<u32>,
}

/// What volumes are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageKind {
    /// The cloud's general solid-state disks.
    Ssd,
}

/// What becomes of a volume when its claim is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reclaim {
    /// It goes too.
    Delete,
    /// It stays.
    Retain,
}

impl StorageKind {
    pub(crate) const WORDS: [(&str, Self); 1] = [("ssd", Self::Ssd)];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ssd => "ssd",
        }
    }
}

impl Reclaim {
    pub(crate) const WORDS: [(&str, Self); 2] =
        [("delete", Self::Delete), ("retain", Self::Retain)];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Retain => "retain",
        }
    }
}

impl StorageClass {
    const FIELDS: [&str; 7] =
        ["name", "kind", "default", "encrypted", "reclaim", "iops", "throughput"];
    /// How many characters a name has at most.
    pub(crate) const LONGEST: usize = 63;
    /// What EKS's general disks take.
    pub(crate) const IOPS: RangeInclusive<u32> = 3000..=80_000;
    /// The same in megabytes a second.
    pub(crate) const THROUGHPUT: RangeInclusive<u32> = 125..=2000;
    /// How many operations a second go with a megabyte a second at least.
    const IOPS_PER_MB: u32 = 4;

    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: StorageKind::Ssd,
            default: false,
            encrypted: true,
            reclaim: Reclaim::Delete,
            iops: None,
            throughput: None,
        }
    }

    /// Reads the listed classes, or gives the profile's own.
    pub(crate) fn read_all(root: &Fields<'_>, profile: Option<Profile>) -> Vec<Self> {
        let of_profile = || profile.map(Profile::storage_classes).unwrap_or_default();
        let Some(field) = root.optional("storageClasses") else { return of_profile() };
        let Some(items) = field.list() else { return Vec::new() };
        let all: Vec<_> = items.iter().map(|item| Self::read(item, &of_profile())).collect();
        let read =
            || items.iter().zip(&all).filter_map(|(item, class)| Some((item, class.as_ref()?)));
        for (position, (item, class)) in read().enumerate() {
            let before = || read().take(position).map(|(_, other)| other);
            if before().any(|other| other.name == class.name) {
                let message = format!("repeats the name {}", class.name);
                item.refuse("file.duplicate-item", message, Some("keep one of the two".to_owned()));
            }
            if let Some(other) = before().find(|other| other.default).filter(|_| class.default) {
                let message = format!("is the default, and so is {}", other.name);
                let hint = "one class serves claims that name none".to_owned();
                item.refuse("file.conflict", message, Some(hint));
            }
        }
        all.into_iter().flatten().collect()
    }

    /// Reads one class, which begins as the profile's of that name. `None` when something is wrong
    /// with it, all of which is reported.
    fn read(item: &Field<'_>, known: &[Self]) -> Option<Self> {
        let fields = item.fields(&Self::FIELDS)?;
        let name = fields.required("name", "fast").and_then(|field| field.parse(name));
        let known = known.iter().find(|class| Some(&class.name) == name.as_ref()).cloned();
        let class = known.unwrap_or_else(|| Self::named(name.as_deref().unwrap_or_default()));
        let truth = |name, usual| fields.optional(name).map_or(Some(usual), |it| it.boolean());
        let [default, encrypted] =
            [("default", class.default), ("encrypted", class.encrypted)].map(|(a, b)| truth(a, b));
        let kind =
            fields.optional("kind").map_or(Some(class.kind), |it| it.choice(&StorageKind::WORDS));
        let reclaim =
            fields.optional("reclaim").map_or(Some(class.reclaim), |it| it.choice(&Reclaim::WORDS));
        let number = |name, usual, range| match fields.optional(name) {
            Some(field) => field.whole(range).map(Some),
            None => Some(usual),
        };
        let iops = number("iops", class.iops, Self::IOPS);
        let throughput = number("throughput", class.throughput, Self::THROUGHPUT);
        let class = Self {
            name: name?,
            kind: kind?,
            default: default?,
            encrypted: encrypted?,
            reclaim: reclaim?,
            iops: iops?,
            throughput: throughput?,
        };
        match fields.optional("throughput") {
            Some(field) => class.check_throughput(&field).map(|()| class),
            None => Some(class),
        }
    }

    /// Refuses more throughput than the operations of a volume carry.
    fn check_throughput(&self, field: &Field<'_>) -> Option<()> {
        let iops = self.iops.unwrap_or(*Self::IOPS.start());
        let needed = self.throughput? * Self::IOPS_PER_MB;
        if needed <= iops {
            return Some(());
        }
        let message = format!("needs {needed} operations a second, and a volume takes {iops}");
        field.refuse("file.conflict", message, Some(format!("write `iops: {needed}` too")));
        None
    }
}

fn name(text: &str) -> Result<String, (String, Option<String>)> {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends = text.starts_with('-') || text.ends_with('-');
    if !text.is_empty() && text.len() <= StorageClass::LONGEST && text.chars().all(sound) && !ends {
        return Ok(text.to_owned());
    }
    let message = format!(
        "must be lowercase letters, digits and `-` between them, at most {}",
        StorageClass::LONGEST
    );
    Err((message, Some("such as `fast` or `fast-retain`".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClusterSpec, Problems};

    fn read(classes: &str) -> Result<ClusterSpec, Problems> {
        let file = "name: acme-prod\nprovider: eks\nregion: us-east-1\nprofile: qualytics\n";
        crate::read("a.yaml", format!("{file}storageClasses:\n{classes}").as_bytes())
    }

    #[test]
    fn a_listed_class_keeps_what_the_profile_says_of_its_name() {
        let classes =
            "  - { name: fast-retain, iops: 4000, throughput: 200 }\n  - { name: plain }\n";
        let all = read(classes).unwrap().storage_classes;
        let [retain, plain] = &all[..] else { panic!("{all:?}") };
        assert_eq!((retain.reclaim, retain.iops), (Reclaim::Retain, Some(4000)));
        assert_eq!(*plain, StorageClass::named("plain"));
    }

    #[test]
    fn classes_that_contradict_each_other_are_refused() {
        for (classes, words) in [
            ("  - { name: a }\n  - { name: a }\n", "repeats the name a"),
            (
                "  - { name: fast }\n  - { name: b, default: true }\n",
                "is the default, and so is fast",
            ),
            ("  - { name: a, throughput: 900 }\n", "needs 3600 operations a second"),
            ("  - { name: A_b }\n", "must be lowercase letters"),
            ("  - { default: true }\n", "storageClasses[0].name is missing"),
        ] {
            let told = read(classes).unwrap_err().to_string();
            assert!(told.contains(words), "{told}");
        }
    }
}
