//! Regions and their zones.
use super::super::{Answer, Call, Refusal, domain, partition};
use super::describe::Describe;
use super::noun::{Filters, invalid};
use super::{Filter, Operation};
use serde::Deserialize;
use serde_json::{Value, json};

/// A region, as an account sees it.
#[derive(Debug)]
pub(crate) struct Region {
    pub(crate) name: &'static str,
    zones: &'static [Zone],
    /// Whether the account has to ask for it first, and has not.
    closed: bool,
}

/// A zone.
#[derive(Debug)]
pub(crate) struct Zone {
    pub(crate) name: &'static str,
    pub(crate) id: &'static str,
    /// What it hangs on, when it is none of the region's own: group and parent zone.
    local: Option<(&'static str, &'static str)>,
}

const fn region(name: &'static str, zones: &'static [Zone]) -> Region {
    Region { name, zones, closed: false }
}

const fn closed(name: &'static str, zones: &'static [Zone]) -> Region {
    Region { name, zones, closed: true }
}

const fn z(name: &'static str, id: &'static str) -> Zone {
    Zone { name, id, local: None }
}

const fn local(
    name: &'static str,
    id: &'static str,
    group: &'static str,
    parent: &'static str,
) -> Zone {
    Zone { name, id, local: Some((group, parent)) }
}

/// The regions that a sandbox knows. Which name is which id differs from account to account.
static REGIONS: &[Region] = &[
    closed(
        "af-south-1",
        &[z("af-south-1a", "afs1-az1"), z("af-south-1b", "afs1-az2"), z("af-south-1c", "afs1-az3")],
    ),
    closed(
        "ap-east-1",
        &[z("ap-east-1a", "ape1-az1"), z("ap-east-1b", "ape1-az2"), z("ap-east-1c", "ape1-az3")],
    ),
    region(
        "ap-northeast-1",
        &[
            z("ap-northeast-1a", "apne1-az4"),
            z("ap-northeast-1c", "apne1-az1"),
            z("ap-northeast-1d", "apne1-az2"),
        ],
    ),
    region(
        "ap-south-1",
        &[z("ap-south-1a", "aps1-az1"), z("ap-south-1b", "aps1-az3"), z("ap-south-1c", "aps1-az2")],
    ),
    region(
        "ap-southeast-1",
        &[
            z("ap-southeast-1a", "apse1-az1"),
            z("ap-southeast-1b", "apse1-az2"),
            z("ap-southeast-1c", "apse1-az3"),
        ],
    ),
    region(
        "ap-southeast-2",
        &[
            z("ap-southeast-2a", "apse2-az3"),
            z("ap-southeast-2b", "apse2-az1"),
            z("ap-southeast-2c", "apse2-az2"),
        ],
    ),
    region(
        "ca-central-1",
        &[
            z("ca-central-1a", "cac1-az1"),
            z("ca-central-1b", "cac1-az2"),
            z("ca-central-1d", "cac1-az4"),
        ],
    ),
    region(
        "cn-north-1",
        &[z("cn-north-1a", "cnn1-az1"), z("cn-north-1b", "cnn1-az2"), z("cn-north-1d", "cnn1-az4")],
    ),
    region(
        "cn-northwest-1",
        &[
            z("cn-northwest-1a", "cnnw1-az1"),
            z("cn-northwest-1b", "cnnw1-az2"),
            z("cn-northwest-1c", "cnnw1-az3"),
        ],
    ),
    region(
        "eu-central-1",
        &[
            z("eu-central-1a", "euc1-az2"),
            z("eu-central-1b", "euc1-az3"),
            z("eu-central-1c", "euc1-az1"),
        ],
    ),
    region(
        "eu-north-1",
        &[z("eu-north-1a", "eun1-az1"), z("eu-north-1b", "eun1-az2"), z("eu-north-1c", "eun1-az3")],
    ),
    closed(
        "eu-south-1",
        &[z("eu-south-1a", "eus1-az1"), z("eu-south-1b", "eus1-az2"), z("eu-south-1c", "eus1-az3")],
    ),
    region(
        "eu-west-1",
        &[z("eu-west-1a", "euw1-az3"), z("eu-west-1b", "euw1-az1"), z("eu-west-1c", "euw1-az2")],
    ),
    region(
        "eu-west-2",
        &[z("eu-west-2a", "euw2-az2"), z("eu-west-2b", "euw2-az3"), z("eu-west-2c", "euw2-az1")],
    ),
    region(
        "eu-west-3",
        &[z("eu-west-3a", "euw3-az1"), z("eu-west-3b", "euw3-az2"), z("eu-west-3c", "euw3-az3")],
    ),
    region(
        "sa-east-1",
        &[z("sa-east-1a", "sae1-az1"), z("sa-east-1b", "sae1-az2"), z("sa-east-1c", "sae1-az3")],
    ),
    region(
        "us-east-1",
        &[
            z("us-east-1a", "use1-az6"),
            z("us-east-1b", "use1-az1"),
            z("us-east-1c", "use1-az2"),
            z("us-east-1d", "use1-az4"),
            z("us-east-1e", "use1-az3"),
            z("us-east-1f", "use1-az5"),
            local("us-east-1-bos-1a", "use1-bos1-az1", "us-east-1-bos-1", "us-east-1d"),
            local("us-east-1-mia-1a", "use1-mia1-az1", "us-east-1-mia-1", "us-east-1b"),
        ],
    ),
    region(
        "us-east-2",
        &[z("us-east-2a", "use2-az1"), z("us-east-2b", "use2-az2"), z("us-east-2c", "use2-az3")],
    ),
    region(
        "us-gov-east-1",
        &[
            z("us-gov-east-1a", "usge1-az1"),
            z("us-gov-east-1b", "usge1-az2"),
            z("us-gov-east-1c", "usge1-az3"),
        ],
    ),
    region(
        "us-gov-west-1",
        &[
            z("us-gov-west-1a", "usgw1-az1"),
            z("us-gov-west-1b", "usgw1-az2"),
            z("us-gov-west-1c", "usgw1-az3"),
        ],
    ),
    region("us-west-1", &[z("us-west-1a", "usw1-az3"), z("us-west-1b", "usw1-az1")]),
    region(
        "us-west-2",
        &[
            z("us-west-2a", "usw2-az2"),
            z("us-west-2b", "usw2-az1"),
            z("us-west-2c", "usw2-az3"),
            z("us-west-2d", "usw2-az4"),
            local("us-west-2-lax-1a", "usw2-lax1-az1", "us-west-2-lax-1", "us-west-2a"),
            local("us-west-2-lax-1b", "usw2-lax1-az2", "us-west-2-lax-1", "us-west-2a"),
        ],
    ),
];

impl Region {
    /// Returns the zones of the region itself, in the order of names.
    pub(crate) fn own(&self) -> impl Iterator<Item = &'static Zone> + use<> {
        self.zones.iter().filter(|zone| zone.local.is_none())
    }
}

/// Returns a region that the account can use.
pub(crate) fn of(name: &str) -> Option<&'static Region> {
    REGIONS.iter().find(|region| region.name == name && !region.closed)
}

#[cfg(test)]
/// Returns every region.
pub(crate) fn all() -> &'static [Region] {
    REGIONS
}

pub(super) const OPERATIONS: &[Operation] = &[
    ("DescribeAccountAttributes", |call, input| call.run(input, attributes)),
    ("DescribeAvailabilityZones", |call, input| call.run(input, zones)),
    ("DescribeRegions", |call, input| call.run(input, regions)),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Zones {
    #[serde(default)]
    zone_name: Vec<String>,
    #[serde(default)]
    zone_id: Vec<String>,
    #[serde(default)]
    all_availability_zones: bool,
    #[serde(default)]
    filter: Vec<Filter>,
}

fn zones(call: &mut Call<'_>, request: Zones) -> Answer {
    let region = of(&call.region).ok_or_else(|| Refusal::unsupported("the region"))?;
    for name in &request.zone_name {
        if !region.zones.iter().any(|zone| zone.name == name) {
            return Err(invalid(format!("Invalid availability zone: [{name}]")));
        }
    }
    for id in &request.zone_id {
        if !region.zones.iter().any(|zone| zone.id == id) {
            return Err(invalid(format!("Invalid availability zone-id: [{id}]")));
        }
    }
    let (names, ids) = (&request.zone_name, &request.zone_id);
    let is_asked = |zone: &&Zone| {
        (names.is_empty() || names.iter().any(|name| name == zone.name))
            && (ids.is_empty() || ids.iter().any(|id| id == zone.id))
            && (zone.local.is_none() || request.all_availability_zones)
    };
    let shown = region.zones.iter().filter(is_asked).map(|zone| zone.shown(region)).collect();
    let filters: Filters = &[
        ("group-long-name", "groupLongName"),
        ("group-name", "groupName"),
        ("message", "messageSet.message"),
        ("opt-in-status", "optInStatus"),
        ("parent-zone-id", "parentZoneId"),
        ("parent-zone-name", "parentZoneName"),
        ("region-name", "regionName"),
        ("state", "zoneState"),
        ("zone-id", "zoneId"),
        ("zone-name", "zoneName"),
        ("zone-type", "zoneType"),
    ];
    let asked = Describe { filters: request.filter, ..Describe::default() };
    asked.list("availabilityZoneInfo", shown, filters, |zone| zone["zoneName"].to_string())
}

impl Zone {
    fn shown(&self, region: &Region) -> Value {
        let (group, parent) = self.local.unzip();
        let status = if self.local.is_some() { "not-opted-in" } else { "opt-in-not-required" };
        let border = group.unwrap_or(region.name);
        let parent = parent.and_then(|name| region.zones.iter().find(|zone| zone.name == name));
        json!({
            "optInStatus": status,
            "messageSet": [],
            "regionName": region.name,
            "zoneName": self.name,
            "zoneId": self.id,
            "groupName": group.map_or_else(|| format!("{}-zg-1", region.name), str::to_owned),
            "networkBorderGroup": border,
            "zoneType": if self.local.is_some() { "local-zone" } else { "availability-zone" },
            "zoneState": "available",
            "parentZoneName": parent.map(|zone| zone.name),
            "parentZoneId": parent.map(|zone| zone.id),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Regions {
    #[serde(default)]
    region_name: Vec<String>,
    #[serde(default)]
    all_regions: bool,
    #[serde(default)]
    filter: Vec<Filter>,
}

fn regions(call: &mut Call<'_>, request: Regions) -> Answer {
    let here = partition(&call.region);
    let known = || REGIONS.iter().filter(|region| partition(region.name) == here);
    for name in &request.region_name {
        if !known().any(|region| region.name == name) {
            return Err(invalid(format!("Invalid region: {name}")));
        }
    }
    let suffix = domain(&call.region);
    let is_asked = |region: &&Region| match request.region_name.is_empty() {
        true => !region.closed || request.all_regions,
        false => request.region_name.iter().any(|name| name == region.name),
    };
    let show = |region: &Region| {
        let status = if region.closed { "not-opted-in" } else { "opt-in-not-required" };
        json!({
            "regionName": region.name,
            "regionEndpoint": format!("ec2.{}.{suffix}", region.name),
            "optInStatus": status,
        })
    };
    let filters: Filters = &[
        ("endpoint", "regionEndpoint"),
        ("opt-in-status", "optInStatus"),
        ("region-name", "regionName"),
    ];
    let asked = Describe { filters: request.filter, ..Describe::default() };
    let shown = known().filter(is_asked).map(show).collect();
    asked.list("regionInfo", shown, filters, |region| region["regionName"].to_string())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Attributes {
    #[serde(default)]
    attribute_name: Vec<String>,
}

fn attributes(call: &mut Call<'_>, request: Attributes) -> Answer {
    let vpcs = call.seen(super::vpc::VPC.kind).into_iter();
    let mut defaults = vpcs.filter(|(_, vpc)| vpc.body.get("isDefault") == Some(&json!(true)));
    let default = defaults.next().map_or("none", |(key, _)| key.id.as_str());
    let all = [
        ("default-vpc", default),
        ("max-elastic-ips", "5"),
        ("max-instances", "20"),
        ("supported-platforms", "VPC"),
        ("vpc-max-elastic-ips", "5"),
        ("vpc-max-security-groups-per-interface", "5"),
    ];
    let names = &request.attribute_name;
    let asked = |(name, _): &(&str, &str)| names.is_empty() || names.iter().any(|its| its == name);
    let show = |(name, value): (&str, &str)| {
        let values = json!([{ "attributeValue": value }]);
        json!({ "attributeName": name, "attributeValueSet": values })
    };
    let set: Vec<Value> = all.into_iter().filter(asked).map(show).collect();
    Ok(json!({ "accountAttributeSet": set }))
}
