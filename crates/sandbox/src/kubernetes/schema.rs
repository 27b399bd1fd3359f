//! What the fields of objects are: their types, and how lists and maps are merged.
//!
//! The table beside this file follows the published OpenAPI of Kubernetes 1.36 with its markers
//! `x-kubernetes-list-type`, `x-kubernetes-list-map-keys` and `x-kubernetes-map-type`. A line names
//! a type; below it are its fields, `!` after those that must be there. `s i n b` are texts, whole
//! numbers, numbers and truth values, `q` a quantity, `*` anything, `{T}` a map and `[T]` a list; a
//! list has the keys of its items or `=` when it is a set, else it is replaced as a whole, as
//! everything is that begins with `!`.
use super::kind::Kind;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The type of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    Text,
    Whole,
    Number,
    Truth,
    Quantity,
    Any,
    Map(Box<Self>),
    List(Box<Self>, Merge),
    /// A type with fields, called by its name.
    Fields(String),
    /// What is replaced as a whole.
    Atomic(Box<Self>),
}

/// How a list is merged.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Merge {
    /// It is replaced as a whole.
    Whole,
    /// It is a set of plain values.
    Set,
    /// Its items are told apart by these fields.
    Keys(Vec<String>),
}

/// One field of a type.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) of: Type,
    pub(super) required: bool,
}

type Table = BTreeMap<String, BTreeMap<String, Field>>;

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table::new();
        let mut name = String::new();
        for line in include_str!("schema.txt").lines() {
            match line.strip_prefix("  ") {
                None => name = line.to_owned(),
                Some(fields) => {
                    let fields = fields.split(';').filter_map(|field| field.trim().split_once(':'));
                    let fields = fields.map(|(field, of)| {
                        let required = field.ends_with('!');
                        let field = field.trim_end_matches('!').to_owned();
                        (field, Field { of: read(of), required })
                    });
                    table.entry(name.clone()).or_default().extend(fields);
                }
            }
        }
        table
    })
}

fn read(text: &str) -> Type {
    if let Some(inner) = text.strip_prefix('!') {
        return Type::Atomic(Box::new(read(inner)));
    }
    let within = |open: char, close: char| text.strip_prefix(open)?.strip_suffix(close);
    if let Some(inner) = within('{', '}') {
        return Type::Map(Box::new(read(inner)));
    }
    if let Some(inner) = within('[', ']') {
        let (item, keys) = inner.split_once(' ').unwrap_or((inner, ""));
        let merge = match keys {
            "" => Merge::Whole,
            "=" => Merge::Set,
            keys => Merge::Keys(keys.split(',').map(str::to_owned).collect()),
        };
        return Type::List(Box::new(read(item)), merge);
    }
    match text {
        "s" => Type::Text,
        "i" => Type::Whole,
        "n" => Type::Number,
        "b" => Type::Truth,
        "q" => Type::Quantity,
        "*" => Type::Any,
        name => Type::Fields(name.to_owned()),
    }
}

impl Type {
    /// Returns the type of a kind's objects. What the user defined may have any fields beside those
    /// of every object.
    pub(super) fn of(kind: &Kind) -> Self {
        match kind.is_custom || !table().contains_key(&kind.kind) {
            true => Self::Fields("Custom".to_owned()),
            false => Self::Fields(kind.kind.clone()),
        }
    }

    /// Returns the fields of a type that has some.
    pub(super) fn fields(&self) -> Option<&'static BTreeMap<String, Field>> {
        match self {
            Self::Fields(name) => table().get(name),
            Self::Atomic(inner) => inner.fields(),
            _ => None,
        }
    }

    /// Returns the type itself of what is replaced as a whole.
    pub(super) fn plain(&self) -> &Self {
        match self {
            Self::Atomic(inner) => inner.plain(),
            other => other,
        }
    }

    /// Returns the type of a member. What is in anything can be anything.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Fields(of) => match table().get(of) {
                Some(fields) => {
                    let field = fields.get(name).or_else(|| fields.get("*"));
                    field.map(|field| &field.of)
                }
                None => Some(&Self::Any),
            },
            Self::Map(of) => Some(of),
            Self::Atomic(inner) => inner.member(name),
            Self::Any => Some(&Self::Any),
            _ => None,
        }
    }

    /// Returns the type of the items of a list, and how they are merged.
    pub(super) fn items(&self) -> (&Self, &Merge) {
        match self {
            Self::List(of, merge) => (of, merge),
            Self::Atomic(inner) => (inner.items().0, &Merge::Whole),
            _ => (&Self::Any, &Merge::Whole),
        }
    }

    /// Tells whether a value of this type is replaced as a whole.
    pub(super) fn is_whole(&self) -> bool {
        !matches!(self, Self::Map(_) | Self::Fields(_) | Self::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_knows_how_lists_are_merged() {
        let kind = Type::of(Kind::named("deployments"));
        let at = |path: &str| {
            let mut of = kind.clone();
            for part in path.split('.') {
                of = match part {
                    "[]" => of.items().0.clone(),
                    name => of.member(name).unwrap_or_else(|| panic!("{name}")).clone(),
                };
            }
            of
        };
        let merge = |path: &str| at(path).items().1.clone();
        let keys = |keys: &[&str]| Merge::Keys(keys.iter().map(|key| (*key).to_owned()).collect());
        assert_eq!(merge("spec.template.spec.containers"), keys(&["name"]));
        let ports = merge("spec.template.spec.containers.[].ports");
        assert_eq!(ports, keys(&["containerPort", "protocol"]));
        assert_eq!(merge("spec.template.spec.tolerations"), Merge::Whole);
        assert_eq!(merge("metadata.finalizers"), Merge::Set);
        assert!(at("spec.selector").is_whole() && !at("metadata.labels").is_whole());
        assert!(kind.member("spec").unwrap().member("replica").is_none());
    }

    #[test]
    fn every_type_that_is_named_is_there() {
        fn names(of: &Type, all: &mut Vec<String>) {
            match of {
                Type::Fields(name) => all.push(name.clone()),
                Type::Map(of) | Type::List(of, _) | Type::Atomic(of) => names(of, all),
                _ => {}
            }
        }
        let mut all = Vec::new();
        table().values().flat_map(BTreeMap::values).for_each(|it| names(&it.of, &mut all));
        let missing: Vec<_> = all.iter().filter(|name| !table().contains_key(*name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
