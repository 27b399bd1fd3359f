//! The `pools` of a cluster file.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::check::{self, Context};
use crate::cluster::ProviderName;
use crate::fields::{Field, Fields};
use crate::labels;
use crate::profile::Profile;

/// A group of equal nodes that grows and shrinks between two bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Names the pool; a name like a cluster's.
    pub name: String,
    /// Lists the machine types that will do, the preferred first; never empty.
    pub machine: Vec<String>,
    /// Says on what terms machines are rented.
    pub capacity: Capacity,
    /// Sets the least number of nodes, at most `max`.
    pub min: u32,
    /// Sets the greatest number of nodes, at least 1.
    pub max: u32,
    /// Labels each node.
    pub labels: BTreeMap<String, String>,
    /// Keeps other work off the nodes.
    pub taints: Vec<Taint>,
    /// Sets the size of a node's disk in gigabytes.
    pub disk_gb: u32,
    /// Limits the pool to some zones of the network; `None` is all of them.
    pub zones: Option<Vec<String>>,
}

/// On what terms machines are rented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// Until we give them back.
    OnDemand,
    /// Cheaper, and the cloud may take them back at any time.
    Spot,
}

/// Keeps off a node what does not tolerate it: `{ key, value, effect }` in the cluster file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taint {
    /// Holds a key like a label's.
    pub key: String,
    /// Holds a value like a label's; may be empty, and is when left out.
    pub value: String,
    /// Says what happens to what does not tolerate the taint.
    pub effect: Effect,
}

/// What a taint does, in Kubernetes' own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing new is placed on the node.
    NoSchedule,
    /// Nothing new is placed there while another node will do.
    PreferNoSchedule,
    /// Nothing new is placed there, and what runs there is moved away.
    NoExecute,
}

impl Capacity {
    const WORDS: [(&str, Self); 2] = [("on-demand", Self::OnDemand), ("spot", Self::Spot)];

    /// Gives the word of the cluster file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Spot => "spot",
        }
    }
}

impl Effect {
    const WORDS: [(&str, Self); 3] = [
        ("NoSchedule", Self::NoSchedule),
        ("PreferNoSchedule", Self::PreferNoSchedule),
        ("NoExecute", Self::NoExecute),
    ];

    /// Gives the word of the cluster file, which is Kubernetes' own.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}

/// Reads a taint as kubectl writes it: `key=value:Effect`, or `key:Effect`.
impl FromStr for Taint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let taint = text.rsplit_once(':').and_then(|(pair, word)| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (_, effect) = Effect::WORDS.into_iter().find(|(its, _)| *its == word)?;
            (!key.is_empty()).then(|| Self { key: key.into(), value: value.into(), effect })
        });
        taint.ok_or_else(|| {
            let words = Effect::WORDS.map(|(word, _)| word).join(", ");
            format!("it is written KEY=VALUE:EFFECT or KEY:EFFECT, with an effect of {words}")
        })
    }
}

impl Pool {
    /// The disk of a node when neither file nor profile says otherwise, in gigabytes.
    pub const DISK_GB: u32 = 100;
    /// The greatest number of nodes that a file may ask for.
    pub const MOST_NODES: u32 = 1000;
    const DISK_BOUNDS: std::ops::RangeInclusive<u32> = 20..=16_384;
    const MOST_MACHINES: usize = 20;
    const FIELDS: [&str; 8] =
        ["machine", "capacity", "min", "max", "labels", "taints", "diskGb", "zones"];

    /// Reads the listed pools, or gives the profile's own.
    pub(crate) fn read_all(root: &Fields<'_>, context: &Context<'_>) -> Vec<Self> {
        let Some(field) = root.optional("pools") else {
            let defaults = context.profile.zip(context.provider);
            return defaults.map(|(profile, provider)| profile.pools(provider)).unwrap_or_default();
        };
        let Some(fields) = field.entries() else { return Vec::new() };
        check::pool_names(&fields, context.provider);
        fields.iter().filter_map(|field| Self::read(field, context)).collect()
    }

    /// Reads one pool; `None` when anything in it was refused.
    fn read(field: &Field<'_>, context: &Context<'_>) -> Option<Self> {
        let problems = field.report().count();
        if let Err((message, hint)) = check::name(field.name()) {
            field.refuse_key("file.invalid-value", message, hint);
        }
        if field.is_empty() {
            let hint = Some(format!("write `{}: {{}}` for the profile's defaults", field.name()));
            field.refuse("file.empty-value", "has no value", hint);
            return None;
        }
        let fields = field.fields(&Self::FIELDS)?;
        let so_far = field.report().count();
        let mut pool = Self::start(field, &fields, context);
        let is_whole = field.report().count() == so_far;
        let is_sized = pool.read_size(&fields).is_some() && is_whole;
        pool.read_nodes(&fields, context);
        check::pool(field, &pool, is_sized, context.profile);
        (field.report().count() == problems).then_some(pool)
    }

    /// Gives the profile's pool of that name, or one that must say what it is made of.
    fn start(field: &Field<'_>, fields: &Fields<'_>, context: &Context<'_>) -> Self {
        let blank = Self {
            name: field.name().to_owned(),
            machine: Vec::new(),
            capacity: Capacity::OnDemand,
            min: 1,
            max: 1,
            labels: BTreeMap::new(),
            taints: Vec::new(),
            disk_gb: Self::DISK_GB,
            zones: None,
        };
        let Some((profile, provider)) = context.profile.zip(context.provider) else { return blank };
        if let Some(known) = profile.pool(provider, field.name()) {
            return known;
        }
        let missing = [("machine", Self::example(provider)), ("max", "3")]
            .into_iter()
            .filter(|(name, _)| fields.optional(name).is_none());
        for (name, example) in missing {
            let message = format!("needs {name}: {} has no pool of that name", profile.describe());
            field.refuse_key(
                "file.missing-field",
                message,
                pool_hint(field, profile, name, example),
            );
        }
        blank
    }

    fn example(provider: ProviderName) -> &'static str {
        match provider {
            ProviderName::Eks => "m6i.xlarge",
            ProviderName::Gke => "n2-standard-4",
            ProviderName::Aks => "Standard_D4s_v5",
            ProviderName::Oke => "VM.Standard.E5.Flex:2:16",
        }
    }

    /// Reads how many nodes there may be and how large; `None` when a bound of their number was refused.
    fn read_size(&mut self, fields: &Fields<'_>) -> Option<()> {
        let number = |name, bounds, otherwise| match fields.optional(name) {
            Some(field) => field.whole(bounds),
            None => Some(otherwise),
        };
        let min = number("min", 0..=Self::MOST_NODES, self.min);
        let max = number("max", 1..=Self::MOST_NODES, self.max);
        if let Some(disk_gb) = number("diskGb", Self::DISK_BOUNDS, self.disk_gb) {
            self.disk_gb = disk_gb;
        }
        (self.min, self.max) = (min?, max?);
        Some(())
    }

    fn read_nodes(&mut self, fields: &Fields<'_>, context: &Context<'_>) {
        if let Some(machine) = fields.optional("machine").and_then(|field| machines(&field)) {
            self.machine = machine;
        }
        let capacity = fields.optional("capacity");
        if let Some(capacity) = capacity.and_then(|field| field.choice(&Capacity::WORDS)) {
            self.capacity = capacity;
        }
        let labels = fields.optional("labels");
        if let Some(labels) = labels.and_then(|field| labels::labels(&field, context.provider)) {
            self.labels = labels;
        }
        let field = fields.optional("taints");
        if let Some(taints) = field.and_then(|field| taints(&field, context.provider)) {
            self.taints = taints;
        }
        if let Some(field) = fields.optional("zones") {
            self.zones = check::zone_names(&field, context.provider, context.region);
            if let Some(zones) = &self.zones {
                check::zones_of_network(&field, zones, context.zones);
            }
        }
    }
}

fn pool_hint(field: &Field<'_>, profile: Profile, name: &str, example: &str) -> Option<String> {
    let known = crate::nearest::nearest(field.name(), profile.pool_names().iter().copied());
    Some(match known {
        Some(known) => format!("did you mean pool `{known}`? else add `{name}: {example}`"),
        None => format!("add `{name}: {example}`"),
    })
}

fn machines(field: &Field<'_>) -> Option<Vec<String>> {
    let sound = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    let machines = Field::each(field.one_or_many(), |item| {
        item.parse(|text| match text {
            text if !text.is_empty() && text.len() <= 63 && text.chars().all(sound) => {
                Ok(text.to_owned())
            }
            _ => {
                let hint = "write the cloud's own name for it, such as `m6i.xlarge`".to_owned();
                Err(("must be the name of a machine type".to_owned(), Some(hint)))
            }
        })
    })?;
    if machines.is_empty() || machines.len() > Pool::MOST_MACHINES {
        let message = format!("must name 1 to {} machine types", Pool::MOST_MACHINES);
        let hint = "write one type, or in brackets all that will do".to_owned();
        field.refuse("file.out-of-range", message, Some(hint));
        return None;
    }
    Some(machines)
}

fn taints(field: &Field<'_>, provider: Option<ProviderName>) -> Option<Vec<Taint>> {
    const MOST: usize = 50;
    let items = field.list()?;
    if items.len() > MOST {
        let message = format!("has {} taints, more than {MOST}", items.len());
        field.refuse_key("file.out-of-range", message, Some("remove some of them".to_owned()));
        return None;
    }
    let all = Field::each(Some(items.clone()), |item| {
        let fields = item.fields(&["key", "value", "effect"])?;
        let key = fields.required("key", "dedicated");
        let key = key.and_then(|field| labels::key(&field, provider));
        let value = match fields.optional("value") {
            Some(field) => labels::value(&field),
            None => Some(String::new()),
        };
        let effect = fields.required("effect", "NoSchedule");
        let effect = effect.and_then(|field| field.choice(&Effect::WORDS));
        Some(Taint { key: key?, value: value?, effect: effect? })
    })?;
    let same = |a: &Taint, b: &Taint| (&a.key, a.effect) == (&b.key, b.effect);
    for (position, taint) in all.iter().enumerate() {
        if all[..position].iter().any(|other| same(other, taint)) {
            let hint = "a node keeps one value for each key and effect; remove one of the two";
            let message = "has the key and the effect of another taint";
            items[position].refuse("file.conflict", message, Some(hint.to_owned()));
        }
    }
    Some(all)
}
