//! Machine types as EC2 tells them: shapes, where they are offered, what they cost as spot.
use super::super::{Answer, Call, Page, Refusal};
use super::describe::Describe;
use super::machines::{self, Machine, Maker};
use super::noun::{Filters, invalid};
use super::{Filter, Operation, zones};
use crate::clock::iso;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const OPERATIONS: &[Operation] = &[
    ("DescribeInstanceTypes", |call, input| call.run(input, types)),
    ("DescribeInstanceTypeOfferings", |call, input| call.run(input, offerings)),
    ("DescribeSpotPriceHistory", |call, input| call.run(input, prices)),
];

const FILTERS: Filters = &[
    ("bare-metal", "bareMetal"),
    ("burstable-performance-supported", "burstablePerformanceSupported"),
    ("current-generation", "currentGeneration"),
    ("hypervisor", "hypervisor"),
    ("instance-storage-info.total-size-in-gb", "instanceStorageInfo.totalSizeInGB"),
    ("instance-storage-supported", "instanceStorageSupported"),
    ("instance-type", "instanceType"),
    ("memory-info.size-in-mib", "memoryInfo.sizeInMiB"),
    ("network-info.maximum-network-interfaces", "networkInfo.maximumNetworkInterfaces"),
    ("processor-info.supported-architecture", "processorInfo.supportedArchitectures"),
    ("supported-usage-class", "supportedUsageClasses"),
    ("vcpu-info.default-cores", "vCpuInfo.defaultCores"),
    ("vcpu-info.default-vcpus", "vCpuInfo.defaultVCpus"),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Types {
    #[serde(default)]
    instance_type: Vec<String>,
    #[serde(default)]
    filter: Vec<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// Returns what is offered in any zone of a region.
fn offered(region: &str) -> impl Iterator<Item = &'static Machine> {
    let zones: Vec<_> = zones::of(region).into_iter().flat_map(|region| region.own()).collect();
    machines::all().filter(move |machine| zones.iter().any(|zone| machines::has(zone, machine)))
}

fn types(call: &mut Call<'_>, request: Types) -> Answer {
    if request.max_results.is_some_and(|size| !(5..=100).contains(&size)) {
        return Err(invalid("Value ( MaxResults ) must be between 5 and 100."));
    }
    let names = &request.instance_type;
    if request.max_results.is_some() && !names.is_empty() {
        let message = "The parameter InstanceTypes cannot be used with MaxResults.";
        return Err(Refusal::new("InvalidParameterCombination", message));
    }
    let unknown: Vec<&str> = names
        .iter()
        .filter(|name| !offered(&call.region).any(|machine| machine.name == **name))
        .map(String::as_str)
        .collect();
    if !unknown.is_empty() {
        let message =
            format!("The following supplied instance types do not exist: [{}]", unknown.join(", "));
        return Err(Refusal::new("InvalidInstanceType", message));
    }
    let is_asked =
        |machine: &&Machine| names.is_empty() || names.iter().any(|name| name == machine.name);
    let shown = offered(&call.region).filter(is_asked).map(shown).collect();
    let page = Page { size: request.max_results.or(Some(100)), token: request.next_token };
    let asked = Describe { filters: request.filter, page, ..Describe::default() };
    asked.list("instanceTypeSet", shown, FILTERS, |its| its["instanceType"].to_string())
}

fn shown(machine: &Machine) -> Value {
    let threads = if machine.maker == Maker::Graviton { 1 } else { 2 };
    let is_old = machine.family() == "i3";
    let is_burstable = machine.name.starts_with('t');
    let modes: &[&str] =
        if machine.maker == Maker::Graviton { &["uefi"] } else { &["legacy-bios", "uefi"] };
    json!({
        "instanceType": machine.name,
        "currentGeneration": true,
        "freeTierEligible": false,
        "supportedUsageClasses": ["on-demand", "spot"],
        "supportedRootDeviceTypes": ["ebs"],
        "supportedVirtualizationTypes": ["hvm"],
        "bareMetal": false,
        "hypervisor": if is_old { "xen" } else { "nitro" },
        "processorInfo": {
            "supportedArchitectures": [machine.architecture()],
            "manufacturer": match machine.maker {
                Maker::Amd => "AMD",
                Maker::Graviton => "AWS",
                Maker::Intel => "Intel",
            },
        },
        "vCpuInfo": {
            "defaultVCpus": machine.vcpus,
            "defaultCores": machine.vcpus.div_ceil(threads),
            "defaultThreadsPerCore": threads,
        },
        "memoryInfo": { "sizeInMiB": machine.memory_mib },
        "instanceStorageSupported": machine.disks.0 > 0,
        "instanceStorageInfo": storage(machine),
        "ebsInfo": {
            "ebsOptimizedSupport": "default",
            "encryptionSupport": "supported",
            "nvmeSupport": if is_old { "unsupported" } else { "required" },
        },
        "networkInfo": network(machine),
        "gpuInfo": machine.has_gpu().then(|| gpu(machine)),
        "placementGroupInfo": { "supportedStrategies": ["partition", "spread"] },
        "hibernationSupported": false,
        "burstablePerformanceSupported": is_burstable,
        "dedicatedHostsSupported": !is_burstable,
        "autoRecoverySupported": machine.disks.0 == 0,
        "supportedBootModes": modes,
    })
}

fn network(machine: &Machine) -> Value {
    let (interfaces, addresses) = machine.interfaces;
    json!({
        "networkPerformance": machine.network,
        "maximumNetworkInterfaces": interfaces,
        "maximumNetworkCards": 1,
        "defaultNetworkCardIndex": 0,
        "networkCards": [{
            "networkCardIndex": 0,
            "networkPerformance": machine.network,
            "maximumNetworkInterfaces": interfaces,
        }],
        "ipv4AddressesPerInterface": addresses,
        "ipv6AddressesPerInterface": addresses,
        "ipv6Supported": true,
        "enaSupport": "required",
        "efaSupported": false,
    })
}

fn storage(machine: &Machine) -> Option<Value> {
    let (count, size) = machine.disks;
    let storage = || {
        json!({
            "totalSizeInGB": u64::from(count) * size,
            "disks": [{ "sizeInGB": size, "count": count, "type": "ssd" }],
            "nvmeSupport": "required",
            "encryptionSupport": "required",
        })
    };
    (count > 0).then(storage)
}

fn gpu(machine: &Machine) -> Value {
    let count = if machine.vcpus == 48 { 4 } else { 1 };
    let memory = 22_888;
    json!({
        "gpus": [{
            "name": "A10G",
            "manufacturer": "NVIDIA",
            "count": count,
            "memoryInfo": { "sizeInMiB": memory },
        }],
        "totalGpuMemoryInMiB": count * memory,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Offerings {
    location_type: Option<String>,
    #[serde(default)]
    filter: Vec<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

fn offerings(call: &mut Call<'_>, request: Offerings) -> Answer {
    if request.max_results.is_some_and(|size| !(5..=1000).contains(&size)) {
        return Err(invalid("Value ( MaxResults ) must be between 5 and 1000."));
    }
    let kind = request.location_type.as_deref().unwrap_or("region");
    let item = |machine: &Machine, location: &str| {
        let name = machine.name;
        json!({ "instanceType": name, "locationType": kind, "location": location })
    };
    let mut all = Vec::new();
    match kind {
        "region" => all.extend(offered(&call.region).map(|machine| item(machine, &call.region))),
        "availability-zone" | "availability-zone-id" => {
            for zone in zones::of(&call.region).into_iter().flat_map(|region| region.own()) {
                let location = if kind == "availability-zone" { zone.name } else { zone.id };
                let here = machines::all().filter(|machine| machines::has(zone, machine));
                all.extend(here.map(|machine| item(machine, location)));
            }
        }
        _ => return Err(invalid(format!("Value ({kind}) for parameter locationType is invalid."))),
    }
    let filters: Filters = &[("instance-type", "instanceType"), ("location", "location")];
    let page = Page { size: request.max_results.or(Some(1000)), token: request.next_token };
    let asked = Describe { filters: request.filter, page, ..Describe::default() };
    let name = |its: &Value| format!("{} {}", its["instanceType"], its["location"]);
    asked.list("instanceTypeOfferingSet", all, filters, name)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Prices {
    #[serde(default)]
    instance_type: Vec<String>,
    #[serde(default)]
    product_description: Vec<String>,
    availability_zone: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    #[serde(default)]
    filter: Vec<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// Tells the price of now: the only one of its history, whatever time is asked for.
fn prices(call: &mut Call<'_>, request: Prices) -> Answer {
    let is_asked = |list: &[String], its: &str| list.is_empty() || list.iter().any(|x| x == its);
    let product = "Linux/UNIX";
    let asked_time = request.end_time.or(request.start_time);
    let mut all = Vec::new();
    for zone in zones::of(&call.region).into_iter().flat_map(|region| region.own()) {
        if request.availability_zone.as_deref().is_some_and(|name| name != zone.name) {
            continue;
        }
        for machine in machines::all().filter(|machine| machines::has(zone, machine)) {
            let number = zone.id.bytes().chain(machine.name.bytes());
            let percent = number.fold(0_u64, |sum, byte| sum + u64::from(byte)) % 30 + 25;
            let price = machine.price() * percent / 100;
            if is_asked(&request.instance_type, machine.name)
                && is_asked(&request.product_description, product)
            {
                all.push(json!({
                    "availabilityZone": zone.name,
                    "availabilityZoneId": zone.id,
                    "instanceType": machine.name,
                    "productDescription": product,
                    "spotPrice": format!("{}.{:06}", price / 1_000_000, price % 1_000_000),
                    "timestamp": asked_time.clone().unwrap_or_else(|| iso(call.world.now)),
                }));
            }
        }
    }
    let filters: Filters = &[
        ("availability-zone", "availabilityZone"),
        ("availability-zone-id", "availabilityZoneId"),
        ("instance-type", "instanceType"),
        ("product-description", "productDescription"),
        ("spot-price", "spotPrice"),
    ];
    let page = Page { size: request.max_results.or(Some(1000)), token: request.next_token };
    let asked = Describe { filters: request.filter, page, ..Describe::default() };
    let name = |its: &Value| format!("{} {}", its["instanceType"], its["availabilityZone"]);
    asked.list("spotPriceHistorySet", all, filters, name)
}
