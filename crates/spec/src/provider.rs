//! What a cloud's provider brings.
use crate::{ClusterSpec, Field, Node, Pool, Room, Taint};
use futures::future::BoxFuture;
use provision_core::{Drivers, Facts, Graph, LiveValue, Observed, Plan, Result, Scope, State};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// One cloud: how to read its section, what to ask it, and what a cluster is made of there.
pub trait Provider: Send + Sync {
    /// Returns the name that cluster files use.
    fn name(&self) -> &'static str;

    /// Returns how many calls may be under way at once without being throttled.
    fn parallelism(&self) -> usize;

    /// Checks the provider's own section of a cluster file, without a network. What is wrong
    /// with it is reported through the field, together with everything else, which `spec` may
    /// have placeholders for.
    fn check_section(&self, spec: &ClusterSpec, section: &Field<'_>);

    /// Returns the provider's own section with every default that a file can write.
    fn resolved(&self, spec: &ClusterSpec) -> Node;

    /// Finds credentials and asks whose they are.
    ///
    /// # Errors
    /// [`Kind::Auth`](provision_core::Kind::Auth) when there are none or they are refused.
    fn connect<'a>(&'a self, target: &'a Target<'_>) -> BoxFuture<'a, Result<Box<dyn Session>>>;

    /// Makes a token that lets the caller into a cluster. Asks the cloud for credentials alone.
    ///
    /// # Errors
    /// [`Kind::Auth`](provision_core::Kind::Auth) when there are none or they are refused.
    fn token<'a>(&'a self, entrance: &'a Entrance) -> BoxFuture<'a, Result<Token>>;

    /// Returns how the file, or else the record, says to get into the cluster.
    fn entrance(&self, spec: &ClusterSpec) -> Entrance;

    /// Returns what of the environment chooses whose credentials are used, and is no secret: every
    /// variable, and those that a kubeconfig keeps.
    fn chosen(&self) -> Chosen;

    /// Returns the kinds without reaching any cloud, for plans against recorded facts alone.
    fn kinds(&self) -> Drivers;

    /// Returns what a cluster is made of, stage by stage. Pure.
    ///
    /// # Errors
    /// [`Kind::Invalid`](provision_core::Kind::Invalid) naming a fact that is missing, or what
    /// the facts make impossible.
    fn stack(&self, spec: &ClusterSpec, facts: &Facts) -> Result<Vec<Graph>>;

    /// Returns what this version leaves to others, for the plan to say.
    fn unmanaged(&self, spec: &ClusterSpec) -> Vec<String>;

    /// Returns what the record tells of what [`Session::resolve`] would see, for whoever asks no
    /// cloud.
    fn recall(&self, state: &State) -> BTreeMap<String, Value>;

    /// Returns what is good to know and needs no thought.
    fn notes(&self, spec: &ClusterSpec, facts: &Facts) -> Vec<String>;

    /// Returns what a person should know before saying yes.
    fn warnings(&self, spec: &ClusterSpec, facts: &Facts) -> Vec<String>;

    /// Returns what pods can use of the nodes of each pool, as far as facts tell.
    fn rooms(&self, spec: &ClusterSpec, facts: &Facts) -> Vec<Room>;

    /// Returns the taints that the cloud gives the nodes of a pool by itself.
    fn tainted(&self, pool: &Pool) -> Vec<Taint>;

    /// Returns what a person loses with what was seen, or keeps of it, when everything goes.
    fn losses(&self, observed: &Observed, volumes: Volumes) -> Vec<Loss>;

    /// Names the things that an object consists of, where it is more than one. Empty elsewhere.
    fn parts(&self, live: &LiveValue) -> Vec<String>;

    /// Returns what the cluster's users need: its name, endpoint and the like.
    fn outputs(&self, state: &State) -> BTreeMap<String, Value>;
}

/// The cluster that somebody asks to be let into, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entrance {
    /// The cluster's name.
    pub cluster: String,
    /// Its region.
    pub region: String,
    /// The role to take on; empty for the caller's own.
    pub role: String,
    /// The word that the role asks for; empty for none.
    pub word: String,
}

/// What of the environment chooses whose credentials are used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Everything that makes a difference, in an order of its own.
    pub all: Vec<String>,
    /// Variables that whoever asks later is to be given.
    pub kept: Vec<(String, String)>,
}

/// What lets a caller into a cluster for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What is sent with a request. A secret.
    pub text: String,
    /// Until when it is good.
    pub until: SystemTime,
}

/// A living cluster that a caller is let into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What the cloud calls it.
    pub id: String,
    /// The URL of its API.
    pub endpoint: String,
    /// The certificate of the API's authority, in base64.
    pub certificate_authority: String,
    /// What is sent with a request. A secret.
    pub token: String,
    /// The URL of the proxy on the way, if there is one.
    pub proxy: Option<String>,
    /// The hosts that are called directly, separated by commas.
    pub direct: String,
}

/// Where a provider connects to, and how it gets in.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// The cluster's name.
    pub cluster: &'a str,
    /// The region.
    pub region: String,
    /// The cluster file, which says how to get in; `None` when a state is destroyed without one.
    pub spec: Option<&'a ClusterSpec>,
    /// What is on record of how to get in, for when there is no cluster file.
    pub recorded: Facts,
    /// Where the state's objects are, if there is a state.
    pub scope: Option<&'a Scope>,
    /// The simulation to connect to, instead of the vendor.
    pub simulation: Option<Simulation>,
    /// What becomes of volumes, when everything is to be removed.
    pub removal: Option<Volumes>,
}

/// What becomes of the volumes of a cluster that is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volumes {
    /// They stay, without the marks of the cluster.
    Keep,
    /// They are deleted with everything on them.
    Delete,
}

/// Something that a person may miss when everything is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// What people call it, such as `load balancer`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// What there is to say of it.
    pub told: String,
    /// What becomes of it.
    pub becomes: String,
    /// Whether it stays.
    pub kept: bool,
}

/// A simulation of the cloud that is part of the program.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// Where it answers.
    pub url: String,
    /// Returns the id and the secret of a credential that it accepts: of an account, or of any.
    pub credential: fn(Option<&str>) -> (String, String),
}

/// A provider with credentials in hand.
pub trait Session: Send + Sync {
    /// Returns the account and region that the credentials lead to.
    fn scope(&self) -> &Scope;

    /// Returns who calls, in the cloud's own notation.
    fn caller(&self) -> &str;

    /// Returns every kind, ready to call the cloud.
    fn drivers(&self) -> &Drivers;

    /// Asks the cloud how to get into a cluster. `None` where there is none whose API answers.
    ///
    /// # Errors
    /// What the cloud answered.
    fn open<'a>(&'a self, cluster: &'a str) -> BoxFuture<'a, Result<Option<Opened>>>;

    /// Checks that nothing of somebody else keeps a cluster of ours from going, where a plan deletes it.
    /// Changes nothing anywhere.
    ///
    /// # Errors
    /// [`Kind::Invalid`](provision_core::Kind::Invalid) that names what somebody else has in it and
    /// the cloud would keep it for; else what the cloud answered.
    fn check_removal<'a>(&'a self, cluster: &'a str, plan: &'a Plan) -> BoxFuture<'a, Result<()>>;

    /// Asks the cloud for every fact that is not on record. Changes nothing anywhere.
    ///
    /// # Errors
    /// [`Kind::Invalid`](provision_core::Kind::Invalid) when the file asks for what the cloud
    /// does not have, such as a machine type in a zone without it; else what the cloud answered.
    fn resolve<'a>(
        &'a self,
        spec: &'a ClusterSpec,
        recorded: &'a Facts,
    ) -> BoxFuture<'a, Result<Facts>>;
}
