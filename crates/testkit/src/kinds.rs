//! The kinds of the simulated world, one for each way in which real ones differ.
use crate::world::{Complaint, NewObject, Object, Status, World};
use provision_core::{
    ADDRESS_MARK, Cx, Diff, Drivers, Identity, Input, Live, Marks, Operation, Owner, Phase,
    Progress, Resource, Result, Rule, Started, Timing, Typed,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Tags, with our marks among them.
pub type TagMap = BTreeMap<String, String>;

/// What the world decides about every kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outputs {
    /// The id.
    pub id: String,
}

/// Returns every kind's driver.
pub fn drivers(world: &World) -> Drivers {
    let world = Arc::new(world.clone());
    [
        Typed::<Network>::driver(&world),
        Typed::<Subnet>::driver(&world),
        Typed::<Gateway>::driver(&world),
        Typed::<Route>::driver(&world),
        Typed::<Cluster>::driver(&world),
        Typed::<Pool>::driver(&world),
        Typed::<Addon>::driver(&world),
        Typed::<Vault>::driver(&world),
    ]
    .into()
}

/// What a kind adds to what all kinds of this world have in common.
trait Fake: Resource<Cloud = World, Outputs = Outputs> {
    /// How long it takes to be made and to go, in seconds.
    const TAKES: u64 = 0;
    const UNOBSERVED: &'static [&'static str] = &[];
    /// Whether its API lists.
    const LISTS: bool = true;
    /// Whether it may be made again by itself.
    const RETURNS: bool = false;
    /// Whether a create answers with an operation alone, and the id comes later.
    const LATE: bool = false;
    /// How long it may be degraded when it is new, in seconds.
    const RECOVERS: u64 = 0;
    /// How long reads of it may lag, in seconds.
    const GRACE: u64 = 20;
    /// The name that is unique in the kind.
    fn name(&self) -> Option<String> {
        None
    }
    /// What a create makes of the spec; updates bring the rest.
    fn first(&self, body: Value) -> Value {
        body
    }
}

const fn timing<R: Fake>() -> Timing {
    let timing = Timing::new(2, 20 * 60, R::GRACE).recovering_within(R::RECOVERS);
    let timing = timing.making(R::TAKES).leaving(R::TAKES / 2);
    if R::RETURNS { timing.returning() } else { timing }
}

async fn read<R: Fake>(
    spec: &R,
    cx: &Cx<'_, World>,
    known: Option<&Outputs>,
) -> Result<Option<Live<R>>> {
    cx.cloud.look(R::KIND);
    let (name, within) = (spec.name(), parent(cx));
    let here = |object: &Object| object.within == within;
    let found = match known {
        Some(known) => cx.cloud.seen(|id, o| o.kind == R::KIND && id == known.id).await,
        None if name.is_some() => {
            cx.cloud.seen(|_, o| o.kind == R::KIND && o.name == name && here(o)).await
        }
        None => {
            let address = cx.address().as_str();
            let marked = |o: &Object| {
                o.is_of_cluster(&cx.marks().cluster) && o.tag(ADDRESS_MARK) == Some(address)
            };
            cx.cloud.seen(|_, o| o.kind == R::KIND && marked(o)).await
        }
    };
    let mut lives = found.into_iter().map(|found| live(cx, found)).collect::<Result<Vec<_>>>()?;
    lives.sort_by_key(|live| matches!(live.owner, Owner::Foreign(_)));
    Ok(lives.into_iter().next())
}

async fn list<R: Fake>(cx: &Cx<'_, World>) -> Result<Option<Vec<Live<R>>>> {
    if !R::LISTS {
        return Ok(None);
    }
    let (cluster, within) = (&cx.marks().cluster, parent(cx));
    let networks = cx.cloud.seen(|_, o| o.kind == Network::KIND && o.is_of_cluster(cluster)).await;
    let inherits = |o: &Object| {
        o.body.get("tags").is_none() && networks.iter().any(|(id, ..)| o.body["network"] == **id)
    };
    let ours = |o: &Object| (o.is_of_cluster(cluster) && o.within == within) || inherits(o);
    let found = cx.cloud.seen(|_, o| o.kind == R::KIND && ours(o)).await;
    found.into_iter().map(|found| live(cx, found)).collect::<Result<_>>().map(Some)
}

async fn create<R: Fake>(spec: &R, cx: &Cx<'_, World>) -> Result<Started<Outputs>> {
    let new = NewObject {
        kind: R::KIND,
        name: spec.name(),
        within: parent(cx),
        token: cx.token().to_owned(),
        takes_token: R::IDENTITY == Identity::Token,
        body: spec.first(json!(spec)),
        takes: Duration::from_secs(R::TAKES),
    };
    let id = cx.cloud.create(new).await?;
    match R::LATE {
        true => Ok(Started::running(cx.cloud.operation(Duration::from_secs(R::TAKES)))),
        false => Ok(Started::made(Outputs { id })),
    }
}

/// Changes the first field that differs, as APIs do that take one change a call.
async fn update<R: Fake>(
    spec: &R,
    cx: &Cx<'_, World>,
    live: &Live<R>,
    diff: &Diff,
) -> Result<Started<Outputs>> {
    let (field, spec) = (diff.0[0].field.clone(), json!(spec));
    let tags = diff.tags(&field);
    let change = move |body: &mut Value| match R::RULES.contains(&(field.as_str(), Rule::Tags)) {
        false => body[&field] = spec[&field].clone(),
        true => {
            let map = body[&field].as_object_mut().expect("tags are a map");
            tags.remove.iter().for_each(|key| drop(map.remove(key)));
            map.extend(tags.set.into_iter().map(|(key, value)| (key, value.into())));
        }
    };
    let id = &live.outputs.id;
    if R::TAKES == 0 {
        return cx.cloud.modify(id, change).await.map(|()| Started::done());
    }
    let takes = Duration::from_secs(R::TAKES / 2);
    cx.cloud.operate(id, takes, change).await.map(Started::running)
}

async fn delete<R: Fake>(cx: &Cx<'_, World>, live: &Live<R>) -> Result<Started<Outputs>> {
    let takes = Duration::from_secs(R::TAKES / 2);
    cx.cloud.delete(&live.outputs.id, takes).await.map(|()| Started::done())
}

fn parent(cx: &Cx<'_, World>) -> Option<String> {
    cx.within::<Outputs>().ok().map(|parent| parent.id)
}

fn live<R: Fake>(
    cx: &Cx<'_, World>,
    (id, object, status): (String, Object, Status),
) -> Result<Live<R>> {
    let tags: Option<TagMap> =
        object.body.get("tags").and_then(|tags| serde_json::from_value(tags.clone()).ok());
    let phase = match (status, object.complaint) {
        (Status::Making, _) => Phase::Busy("CREATING".into()),
        (Status::Leaving, _) => Phase::Busy("DELETING".into()),
        (Status::Ready, None) => Phase::Ready,
        (Status::Ready, Some(Complaint::Degraded(why))) => Phase::Degraded(why),
        (Status::Ready, Some(Complaint::Broken(error))) => Phase::Broken(error),
    };
    let spec = R::deserialize(&object.body)
        .map_err(|e| provision_core::Error::invalid(format!("{id}: {e}")))?;
    Ok(Live {
        address: tags.as_ref().and_then(Marks::address),
        spec,
        outputs: Outputs { id },
        phase,
        owner: tags.map_or(Owner::Inherited, |tags| cx.owner(&tags)),
        unobserved: R::UNOBSERVED,
    })
}

macro_rules! kind {
    ($kind:ident, $name:literal, $identity:ident, $($constant:tt)*) => {
        impl Resource for $kind {
            const KIND: &'static str = $name;
            const IDENTITY: Identity = Identity::$identity;
            const TIMING: Timing = timing::<Self>();
            $($constant)*
            type Cloud = World;
            type Outputs = Outputs;

            async fn list(cx: &Cx<'_, World>) -> Result<Option<Vec<Live<Self>>>> {
                list(cx).await
            }
            async fn read(
                &self,
                cx: &Cx<'_, World>,
                known: Option<&Outputs>,
            ) -> Result<Option<Live<Self>>> {
                read(self, cx, known).await
            }
            async fn create(&self, cx: &Cx<'_, World>) -> Result<Started<Outputs>> {
                create(self, cx).await
            }
            async fn update(
                &self,
                cx: &Cx<'_, World>,
                live: &Live<Self>,
                diff: &Diff,
            ) -> Result<Started<Outputs>> {
                update(self, cx, live, diff).await
            }
            async fn delete(cx: &Cx<'_, World>, live: &Live<Self>) -> Result<Started<Outputs>> {
                delete(cx, live).await
            }
            async fn poll(cx: &Cx<'_, World>, operation: &Operation) -> Result<Progress> {
                Ok(cx.cloud.progress(operation))
            }
        }
    };
}

/// A network: found by its mark alone, and made without DNS, which an update turns on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Network {
    /// Its addresses.
    pub cidr: String,
    /// Whether names resolve in it.
    pub dns: bool,
    /// Its tags.
    pub tags: TagMap,
}

kind! {
    Network,
    "fake.network",
    Mark,
    const GUARDED: bool = true;
    const RULES: &'static [(&'static str, Rule)] =
        &[("cidr", Rule::Immutable), ("tags", Rule::Tags)];
}

impl Fake for Network {
    fn first(&self, mut body: Value) -> Value {
        body["dns"] = false.into();
        body
    }
}

/// A slice of a network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subnet {
    /// The network.
    pub network: Input<String>,
    /// The zone.
    pub zone: String,
    /// Its tags.
    pub tags: TagMap,
}

kind! {
    Subnet,
    "fake.subnet",
    Mark,
    const GUARDED: bool = true;
    const RULES: &'static [(&'static str, Rule)] =
        &[("network", Rule::Immutable), ("zone", Rule::Immutable), ("tags", Rule::Tags)];
}

impl Fake for Subnet {}

/// A gateway: slow, and its create takes a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Gateway {
    /// The subnet.
    pub subnet: Input<String>,
    /// Its tags.
    pub tags: TagMap,
}

kind! {
    Gateway,
    "fake.gateway",
    Token,
    const GUARDED: bool = true;
    const RULES: &'static [(&'static str, Rule)] =
        &[("subnet", Rule::Immutable), ("tags", Rule::Tags)];
}

impl Fake for Gateway {
    const TAKES: u64 = 90;
}

/// A route: carries no mark of its own, its natural key makes a second one impossible, and one may
/// come back that was deleted, for longer than anything else.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Route {
    /// The network.
    pub network: Input<String>,
    /// Where it leads.
    pub gateway: Input<String>,
}

kind! {
    Route,
    "fake.route",
    Name,
    const RULES: &'static [(&'static str, Rule)] = &[("network", Rule::Immutable)];
}

impl Fake for Route {
    const RETURNS: bool = true;
    const GRACE: u64 = 30;
    fn name(&self) -> Option<String> {
        Some(format!("{}/default", self.network.get().ok()?))
    }
}

/// A cluster: slow, found by name, precious, and with one field that nobody can see.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it runs.
    pub subnets: Vec<Input<String>>,
    /// What cannot be read back.
    pub hidden: String,
    /// Its tags.
    pub tags: TagMap,
}

kind! {
    Cluster,
    "fake.cluster",
    Name,
    const GUARDED: bool = true;
    const PRECIOUS: bool = true;
    const RULES: &'static [(&'static str, Rule)] =
        &[("name", Rule::Immutable), ("version", Rule::AtLeast), ("tags", Rule::Tags)];
}

impl Fake for Cluster {
    const TAKES: u64 = 540;
    const UNOBSERVED: &'static [&'static str] = &["hidden"];
    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }
}

/// A pool of nodes: slow, found by name, and made anew for another machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// The cluster.
    pub cluster: Input<String>,
    /// The machine type.
    pub machine: String,
    /// Its version.
    pub version: String,
    /// How many nodes there may be.
    pub max: u32,
    /// Its tags.
    pub tags: TagMap,
}

kind! {
    Pool,
    "fake.pool",
    Name,
    const DISPENSABLE: bool = true;
    const RULES: &'static [(&'static str, Rule)] = &[
        ("cluster", Rule::Immutable),
        ("machine", Rule::Immutable),
        ("version", Rule::AtLeast),
        ("tags", Rule::Tags),
    ];
}

impl Fake for Pool {
    const TAKES: u64 = 180;
    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }
}

/// An add-on: within a cluster, gone with it, and degraded until it has somewhere to run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Addon {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its tags.
    pub tags: TagMap,
}

kind! {
    Addon,
    "fake.addon",
    Name,
    const EARLY: bool = true;
    const RULES: &'static [(&'static str, Rule)] =
        &[("version", Rule::AtLeast), ("tags", Rule::Tags)];
}

impl Fake for Addon {
    const TAKES: u64 = 30;
    const RECOVERS: u64 = 600;
    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }
}

/// A vault: its create answers with an operation alone, its API does not list, and it may be
/// degraded for longer than it may take.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Vault {
    /// The network.
    pub network: Input<String>,
    /// Its tags.
    pub tags: TagMap,
}

kind! {
    Vault,
    "fake.vault",
    Mark,
    const RULES: &'static [(&'static str, Rule)] =
        &[("network", Rule::Immutable), ("tags", Rule::Tags)];
}

impl Fake for Vault {
    const TAKES: u64 = 60;
    const LISTS: bool = false;
    const LATE: bool = true;
    const RECOVERS: u64 = 30 * 60;
}
