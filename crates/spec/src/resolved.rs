//! The cluster file with every default written out.

use provision_core::SecretRef;

use crate::cluster::ClusterSpec;
use crate::kubernetes::{Kubernetes, SecretsKey};
use crate::network::{Nat, Network, Zones};
use crate::pools::{Pool, Taint};
use crate::print;
use crate::secrets::Secrets;
use crate::storage::StorageClass;
use crate::support::Support;
use crate::tree::{Entry, Node, Span, Value};

impl ClusterSpec {
    /// Prints the file with every default filled in but those of the provider's own section;
    /// reading it gives an equal `ClusterSpec`.
    #[must_use]
    pub fn resolved(&self) -> String {
        self.resolved_with(self.section.node().clone())
    }

    /// Prints the same with another section of its provider, which knows the defaults of that.
    #[must_use]
    pub fn resolved_with(&self, section: Node) -> String {
        let manifests: Node = self.manifests.iter().map(String::as_str).collect();
        let classes: Node = self.storage_classes.iter().map(storage_class).collect();
        let fields = Map::default()
            .field("name", self.name.as_str())
            .field("provider", self.provider.word())
            .field("region", self.region.as_str())
            .field("profile", self.profile.word())
            .field("kubernetes", kubernetes(&self.kubernetes))
            .field("network", network(&self.network))
            .field("pools", pools(&self.pools))
            .field("storageClasses", classes)
            .field("tags", texts(&self.tags))
            .field("protect", self.protect)
            .field("secrets", secrets(&self.secrets))
            .field("inCluster", self.in_cluster)
            .field("manifests", manifests)
            .field("support", support(self.support))
            .field(self.provider.word(), section);
        print::yaml(&fields.into())
    }
}

fn storage_class(class: &StorageClass) -> Map {
    let mut fields = Map::default()
        .field("name", class.name.as_str())
        .field("kind", class.kind.word())
        .field("default", class.default)
        .field("encrypted", class.encrypted)
        .field("reclaim", class.reclaim.word());
    for (name, number) in [("iops", class.iops), ("throughput", class.throughput)] {
        if let Some(number) = number {
            fields = fields.field(name, number);
        }
    }
    fields
}

fn secrets(secrets: &Secrets) -> Map {
    let (name, place) = match &secrets.registry_token {
        None => return Map::default(),
        Some(SecretRef::Env(name)) => ("env", name),
        Some(SecretRef::File(path)) => ("file", path),
    };
    Map::default().field("registryToken", Map::default().field(name, place.as_str()))
}

fn kubernetes(kubernetes: &Kubernetes) -> Map {
    let mut fields = Map::default();
    if let Some(version) = kubernetes.version {
        fields = fields.field("version", version.to_string());
    }
    let allow: Node = kubernetes.api.allow.iter().map(ToString::to_string).collect();
    let key = match &kubernetes.secrets_key {
        SecretsKey::Managed => "managed",
        SecretsKey::Own => "own",
        SecretsKey::Key(key) => key,
    };
    fields
        .field("api", Map::default().field("public", kubernetes.api.public).field("allow", allow))
        .field("secretsKey", key)
}

fn network(network: &Network) -> Map {
    let zones: Node = match &network.zones {
        Zones::Count(count) => u32::from(*count).into(),
        Zones::Names(names) => names.iter().map(String::as_str).collect(),
    };
    let nat = match network.nat {
        Nat::Single => "single",
        Nat::PerZone => "per-zone",
        Nat::None => "none",
    };
    Map::default().field("cidr", network.cidr.to_string()).field("zones", zones).field("nat", nat)
}

fn pools(pools: &[Pool]) -> Map {
    pools.iter().fold(Map::default(), |all, each| all.field(&each.name, pool(each)))
}

fn pool(pool: &Pool) -> Map {
    let machine: Node = pool.machine.iter().map(String::as_str).collect();
    let taints: Node = pool.taints.iter().map(taint).collect();
    let fields = Map::default()
        .field("machine", machine)
        .field("capacity", pool.capacity.word())
        .field("min", pool.min)
        .field("max", pool.max)
        .field("labels", texts(&pool.labels))
        .field("taints", taints)
        .field("diskGb", pool.disk_gb);
    match &pool.zones {
        Some(zones) => fields.field("zones", zones.iter().map(String::as_str).collect::<Node>()),
        None => fields,
    }
}

fn taint(taint: &Taint) -> Map {
    Map::default()
        .field("key", taint.key.as_str())
        .field("value", taint.value.as_str())
        .field("effect", taint.effect.word())
}

fn support(support: Support) -> Map {
    match support {
        Support::None => Map::default().field("access", "none"),
        Support::Admin { expires } => {
            Map::default().field("access", "admin").field("expires", expires.to_string())
        }
    }
}

fn texts<'a>(texts: impl IntoIterator<Item = (&'a String, &'a String)>) -> Map {
    texts.into_iter().fold(Map::default(), |all, (key, value)| all.field(key, value.as_str()))
}

/// The fields of a map that is being written.
#[derive(Default)]
struct Map(Vec<Entry>);

impl Map {
    fn field(mut self, name: &str, value: impl Into<Node>) -> Self {
        self.0.push(Entry { key: name.to_owned(), span: Span::START, value: value.into() });
        self
    }
}

impl From<Map> for Node {
    fn from(map: Map) -> Self {
        Node::made(Value::Map(map.0))
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        Node::made(value)
    }
}

#[cfg(test)]
mod tests {
    use crate::read;

    const SHORT: &str = "name: acme-prod\nprovider: eks\nregion: us-east-1\nprofile: qualytics\n";

    const FULL: &str = r#"name: acme-prod
provider: eks
region: us-east-1
profile: qualytics
kubernetes:
  version: 1.30
  api: { public: true, allow: [203.0.113.0/24, 198.51.100.0/24] }
  secretsKey: arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
network: { cidr: 10.8.0.0/17, zones: [us-east-1a, us-east-1b], nat: per-zone }
pools:
  app: {}
  executor: { machine: r5d.2xlarge, min: 0, zones: [us-east-1a] }
  gpu:
    machine: [g5.xlarge, g5.2xlarge]
    max: 2
    capacity: spot
    labels: { gpu: true, acme.com/kind: "a10" }
    taints: [{ key: nvidia.com/gpu, effect: NoSchedule }, { key: x, value: "1", effect: NoExecute }]
    diskGb: 200
tags: { team: platform, "cost center": "17", "on": "" }
protect: true
storageClasses: []
inCluster: false
manifests: []
support: { access: none }
eks:
  account: "123456789012"
  assumeRole: { arn: "arn:aws:iam::1:role/x", externalId: "a b: c#\n" }
  addons: []
  access:
    - { principal: "arn:…", policy: X, also: [1, [2], { a: ~ }] }
  podIdentity: true
"#;

    #[test]
    fn reads_back_equal_and_prints_the_same() {
        let none = "name: a\nprovider: eks\nregion: us-east-1\nprofile: none\n";
        let spark = format!("{SHORT}pools: {{ app: {{}}, spark: {{}} }}\nstorageClasses: []\n");
        let inside = format!(
            "{SHORT}storageClasses: [{{ name: a, iops: 4000, reclaim: retain }}]\n\
             secrets: {{ registryToken: {{ file: a b/token }} }}\nmanifests: [a b/c.yaml]\n\
             support: {{ access: admin, expires: 36h }}\n"
        );
        for text in [SHORT, FULL, none, &spark, &inside] {
            let spec = read("a.yaml", text.as_bytes()).unwrap();
            let resolved = spec.resolved();
            let again = read("resolved.yaml", resolved.as_bytes())
                .unwrap_or_else(|problems| panic!("{resolved}\n{problems}"));
            assert_eq!(again, spec, "{resolved}");
            assert_eq!(again.resolved(), resolved);
        }
    }

    #[test]
    fn shows_every_default() {
        let spec = read("a.yaml", SHORT.as_bytes()).unwrap();
        insta::assert_snapshot!(spec.resolved(), @r#"
        name: acme-prod
        provider: eks
        region: us-east-1
        profile: qualytics
        kubernetes:
          api:
            public: true
            allow: [0.0.0.0/0]
          secretsKey: managed
        network:
          cidr: 10.0.0.0/16
          zones: 3
          nat: single
        pools:
          app:
            machine: [t3.2xlarge]
            capacity: on-demand
            min: 1
            max: 3
            labels:
              appNodes: "true"
            taints: []
            diskGb: 100
          driver:
            machine: [r5.2xlarge]
            capacity: on-demand
            min: 1
            max: 3
            labels:
              driverNodes: "true"
            taints: []
            diskGb: 100
          executor:
            machine: [r5d.2xlarge, r6id.2xlarge, r5dn.2xlarge, r5ad.2xlarge]
            capacity: spot
            min: 1
            max: 12
            labels:
              executorNodes: "true"
            taints: []
            diskGb: 100
        storageClasses:
          - name: fast
            kind: ssd
            default: true
            encrypted: true
            reclaim: delete
          - name: fast-retain
            kind: ssd
            default: false
            encrypted: true
            reclaim: retain
        tags: {}
        protect: false
        secrets: {}
        inCluster: true
        manifests: []
        support:
          access: none
        eks: {}
        "#);
    }

    #[test]
    fn shows_every_field() {
        let spec = read("a.yaml", FULL.as_bytes()).unwrap();
        insta::assert_snapshot!(spec.resolved(), @r#"
        name: acme-prod
        provider: eks
        region: us-east-1
        profile: qualytics
        kubernetes:
          version: "1.30"
          api:
            public: true
            allow: [203.0.113.0/24, 198.51.100.0/24]
          secretsKey: "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
        network:
          cidr: 10.8.0.0/17
          zones: [us-east-1a, us-east-1b]
          nat: per-zone
        pools:
          app:
            machine: [t3.2xlarge]
            capacity: on-demand
            min: 1
            max: 3
            labels:
              appNodes: "true"
            taints: []
            diskGb: 100
          executor:
            machine: [r5d.2xlarge]
            capacity: spot
            min: 0
            max: 12
            labels:
              executorNodes: "true"
            taints: []
            diskGb: 100
            zones: [us-east-1a]
          gpu:
            machine: [g5.xlarge, g5.2xlarge]
            capacity: spot
            min: 1
            max: 2
            labels:
              acme.com/kind: a10
              gpu: "true"
            taints:
              - key: nvidia.com/gpu
                value: ""
                effect: NoSchedule
              - key: x
                value: "1"
                effect: NoExecute
            diskGb: 200
        storageClasses: []
        tags:
          "cost center": "17"
          "on": ""
          team: platform
        protect: true
        secrets: {}
        inCluster: false
        manifests: []
        support:
          access: none
        eks:
          account: "123456789012"
          assumeRole:
            arn: "arn:aws:iam::1:role/x"
            externalId: "a b: c#\n"
          addons: []
          access:
            - principal: "arn:…"
              policy: X
              also:
                - 1
                - [2]
                - a: ~
          podIdentity: true
        "#);
    }
}
