//! What only AWS knows about a cluster: zones, machines and versions.
use crate::access;
use crate::addons;
use crate::aws::{Aws, Reply};
use crate::section::Section;
use crate::versions;
use crate::zones::{self, Offers, Zone};
use aws_sdk_ec2::types::{ArchitectureType, Filter, InstanceTypeInfo, LocationType, NetworkInfo};
use provision_core::{Error, Facts, Result};
use provision_spec::{ClusterSpec, Pool, Profile, SecretsKey, Zones};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The names of the zones, in the order of their slots.
pub(crate) const ZONES: &str = "zones";
/// The slot of each zone that the cluster ever had.
pub(crate) const SLOTS: &str = "zone-slots";
/// The zones that the control plane was made in, which EKS never leaves.
pub(crate) const CONTROL_PLANE_ZONES: &str = "control-plane-zones";
/// The addresses of the network that the cluster is in, which it never leaves.
pub(crate) const NETWORK: &str = "network";
/// The Kubernetes version that is wanted at least.
pub(crate) const KUBERNETES: &str = "version";
/// The machine types of the file that the region does not have.
pub(crate) const ABSENT: &str = "machines-absent";
/// What happens to the cluster when standard support ends, where that is not the usual.
pub(crate) const SUPPORT_POLICY: &str = "support-policy";
/// Seen: the Kubernetes version that the control plane runs.
pub(crate) const LIVE: &str = "live-version";
/// The ARN of the key that encrypts the secrets of the cluster which is there; empty while EKS is at
/// work on that, and may be about to. Seen.
pub(crate) const LIVE_KEY: &str = "live-secrets-key";
/// Seen: what happens to the cluster when standard support ends, where this run decides nothing about it.
pub(crate) const LIVE_POLICY: &str = "live-support-policy";
/// Seen: who calls, where the file says who may enter the cluster and does not let them do everything.
pub(crate) const LEFT_OUT: &str = "caller-left-out";
/// Seen: until when the version is supported.
pub(crate) const SUPPORT: &str = "support";
/// What each pool was last found to have in its zones.
pub(crate) const PLACEMENTS: &str = "placements";
/// The role that everything is done as, which must be known where there is no cluster file.
pub(crate) const ASSUME_ROLE: &str = "assume-role";
/// The key for secrets, once there is one.
pub(crate) const SECRETS_KEY: &str = "secrets-key";

/// The shape of a machine type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Machine {
    pub(crate) vcpus: u32,
    pub(crate) memory_mib: u64,
    pub(crate) arch: Arch,
    /// What its own disks hold together; 0 without any.
    pub(crate) nvme_gb: u64,
    /// How many pods it has addresses for; not recorded by early versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_pods: Option<u32>,
}

/// An architecture, as EC2 writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Arch {
    #[serde(rename = "x86_64")]
    X86,
    #[serde(rename = "arm64")]
    Arm,
}

/// The key for secrets: what the file called it, and its ARN when it is not ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub(crate) asked: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) arn: Option<String>,
}

/// Returns the key under which a machine type is recorded.
pub(crate) fn machine_key(name: &str) -> String {
    format!("machine/{name}")
}

/// Finds every fact that is not on record. Recorded facts win until the file says otherwise.
pub(crate) async fn resolve(
    aws: &Aws,
    spec: &ClusterSpec,
    section: &Section,
    caller: &str,
    recorded: &Facts,
) -> Result<Facts> {
    let mut facts = Facts { recorded: recorded.recorded.clone(), ..Facts::default() };
    let minors = versions::decide(spec, &mut facts, versions::see(aws, &spec.name).await?)?;
    let wanted = versions::wanted(spec, &facts);
    facts.recorded.retain(|key, _| !addons::is_over(key, wanted));
    facts.recorded.extend(addons::resolve(aws, &section.addons, &minors, recorded).await?);
    addons::look_ahead(aws, &section.addons, wanted, &mut facts).await?;
    facts.recorded.extend(access::resolve(aws, section, caller, &facts).await?);
    if let Some(caller) = access::left_out(section, caller) {
        facts.seen.insert(LEFT_OUT.into(), json!(caller));
    }
    match secrets_key(aws, spec, &facts).await? {
        Some(key) => drop(facts.recorded.insert(SECRETS_KEY.into(), json!(key))),
        None => drop(facts.recorded.remove(SECRETS_KEY)),
    }
    record_network(spec, &mut facts)?;
    let types: BTreeSet<_> = spec.pools.iter().flat_map(|pool| pool.machine.clone()).collect();
    let mut absent = absent(recorded);
    absent.retain(|name| types.contains(name));
    let is_known = |name: &String| recorded.recorded.contains_key(&machine_key(name));
    let missing: Vec<_> =
        types.iter().filter(|name| !absent.contains(*name) && !is_known(name)).cloned().collect();
    let found = machines(aws, spec, &missing).await?;
    absent.extend(missing.into_iter().filter(|name| !found.contains_key(name)));
    for (name, machine) in found {
        facts.recorded.insert(machine_key(&name), json!(machine));
    }
    match absent.is_empty() {
        true => drop(facts.recorded.remove(ABSENT)),
        false => drop(facts.recorded.insert(ABSENT.into(), json!(absent))),
    }
    let spec = &offered(spec, &absent)?;
    let types: BTreeSet<_> = types.difference(&absent).cloned().collect();
    enough(spec, &facts)?;
    let before: Vec<String> = recorded.get(ZONES).unwrap_or_default();
    let settled = zones_on_record(spec, &before);
    let placements = placements(spec);
    let moved = recorded.get(PLACEMENTS).as_ref() != Some(&placements);
    facts.recorded.insert(PLACEMENTS.into(), json!(placements));
    if settled.is_none() || moved {
        let (all, offers) = (available(aws).await?, offers(aws, types).await?);
        let chosen = match settled {
            Some(zones) => zones,
            None => zones::choose(spec, &before, &all, &offers)?,
        };
        zones::check(spec, &chosen, &all, &offers)?;
        record_zones(&mut facts, &chosen)?;
    } else if let Some(zones) = settled {
        record_zones(&mut facts, &zones)?;
    }
    Ok(facts)
}

/// Says what each pool needs of its zones, so that another need is seen.
fn placements(spec: &ClusterSpec) -> BTreeMap<String, String> {
    let one = |pool: &Pool| {
        let zones =
            pool.zones.as_ref().map_or_else(|| "all zones".to_owned(), |all| all.join(", "));
        let words = format!("{} {} in {zones}", pool.capacity.word(), pool.machine.join(", "));
        (pool.name.clone(), words)
    };
    spec.pools.iter().map(one).collect()
}

/// Takes the zones from the record when the file asks for nothing else.
fn zones_on_record(spec: &ClusterSpec, before: &[String]) -> Option<Vec<String>> {
    match &spec.network.zones {
        Zones::Count(count) => {
            let count = usize::from(*count);
            (count <= before.len()).then(|| before[..count].to_vec())
        }
        Zones::Names(names) => {
            names.iter().all(|name| before.contains(name)).then(|| names.clone())
        }
    }
}

fn record_zones(facts: &mut Facts, zones: &[String]) -> Result<()> {
    let first: Option<Vec<String>> = facts.get(CONTROL_PLANE_ZONES).filter(|_| is_there(facts));
    let first = first.unwrap_or_else(|| zones.to_vec());
    if let Some(left) = first.iter().find(|zone| !zones.contains(zone)) {
        return Err(Error::invalid(format!(
            "network.zones leaves out {left}: EKS never moves a control plane out of the zones it \
             was made in ({})",
            first.join(", ")
        ))
        .hint("name those zones too, or destroy the cluster and apply it anew"));
    }
    let slots = zones::slots(facts.get(SLOTS).unwrap_or_default(), zones)?;
    let mut zones = zones.to_vec();
    zones.sort_by_key(|zone| slots[zone]);
    facts.recorded.insert(CONTROL_PLANE_ZONES.into(), json!(first));
    facts.recorded.insert(SLOTS.into(), json!(slots));
    facts.recorded.insert(ZONES.into(), json!(zones));
    Ok(())
}

/// Records the addresses of the network, which are those of the cluster once it is there.
fn record_network(spec: &ClusterSpec, facts: &mut Facts) -> Result<()> {
    let (before, asked) = (facts.get::<String>(NETWORK), spec.network.cidr.to_string());
    if let Some(before) = before.filter(|before| *before != asked && is_there(facts)) {
        return Err(Error::invalid(format!(
            "network.cidr cannot change from {before} to {asked}: EKS never moves a control plane to \
             another network"
        ))
        .hint(format!("set it to {before} again, or destroy the cluster and apply it anew")));
    }
    facts.recorded.insert(NETWORK.into(), json!(asked));
    Ok(())
}

/// Tells whether the control plane is there. What it can never change binds nobody before that.
pub(crate) fn is_there(facts: &Facts) -> bool {
    facts.get::<String>(LIVE).is_some()
}

async fn secrets_key(aws: &Aws, spec: &ClusterSpec, facts: &Facts) -> Result<Option<Secrets>> {
    let before: Option<Secrets> = facts.get(SECRETS_KEY);
    let asked = match &spec.kubernetes.secrets_key {
        SecretsKey::Managed => "managed",
        SecretsKey::Own => "own",
        SecretsKey::Key(id) => id.as_str(),
    };
    match before {
        Some(before) if before.asked == asked => return Ok(Some(before)),
        // Before that a key which was asked for in vain binds nobody.
        Some(before) if facts.get::<String>(LIVE_KEY).is_some_and(|key| key.is_empty()) => {
            let what = format!(
                "kubernetes.secretsKey cannot change from {} to {asked} while EKS is at work on \
                 cluster {}",
                before.asked, spec.name
            );
            return Err(Error::invalid(what).hint(versions::once_active(spec)));
        }
        Some(before) if facts.seen.contains_key(LIVE_KEY) => {
            return Err(Error::invalid(format!(
                "kubernetes.secretsKey cannot change from {} to {asked}: EKS keeps the key that \
                 encrypts a cluster's secrets for ever",
                before.asked
            ))
            .hint(format!("set it to {} again", before.asked)));
        }
        _ => {}
    }
    let arn = match &spec.kubernetes.secrets_key {
        SecretsKey::Managed => return Ok(None),
        SecretsKey::Own => None,
        SecretsKey::Key(id) => {
            let found = aws.kms.describe_key().key_id(id).send().await.found("kms:DescribeKey")?;
            let arn = found.and_then(|answer| answer.key_metadata?.arn);
            let missing = || {
                Error::invalid(format!("kubernetes.secretsKey: there is no key {id}")).hint(
                    format!(
                        "`aws kms list-aliases --region {}` lists those that there are",
                        spec.region
                    ),
                )
            };
            Some(arn.ok_or_else(missing)?)
        }
    };
    Ok(Some(Secrets { asked: asked.to_owned(), arn }))
}

/// Returns the machine types of the file that the region is known not to have.
pub(crate) fn absent(facts: &Facts) -> BTreeSet<String> {
    facts.get(ABSENT).unwrap_or_default()
}

/// Takes out of each pool the machine types that the region does not have.
fn offered(spec: &ClusterSpec, absent: &BTreeSet<String>) -> Result<ClusterSpec> {
    let mut spec = spec.clone();
    for pool in &mut spec.pools {
        let asked = pool.machine.join(", ");
        pool.machine.retain(|name| !absent.contains(name));
        if pool.machine.is_empty() {
            let message = format!("EC2 has no machine type {asked} in {}", spec.region);
            return Err(Error::invalid(message).hint(format!(
                "name one that the region has in pools.{}.machine; `aws ec2 \
                 describe-instance-type-offerings --region {}` lists them",
                pool.name, spec.region
            )));
        }
    }
    Ok(spec)
}

/// Looks up the shapes of machine types; those that the region does not have are left out.
async fn machines(
    aws: &Aws,
    spec: &ClusterSpec,
    names: &[String],
) -> Result<BTreeMap<String, Machine>> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let wanted = Filter::builder().name("instance-type").set_values(Some(names.to_vec())).build();
    let pages = aws.ec2.describe_instance_types().filters(wanted).into_paginator();
    let found: Result<Vec<_>, _> = pages.items().send().collect().await;
    let found = found.reply("ec2:DescribeInstanceTypes")?;
    if let Some(name) = found.iter().find_map(accelerated) {
        return Err(Error::invalid(format!(
            "machine type {name} has GPUs or other accelerators, which need another image than \
             this version knows: not supported yet"
        ))
        .hint(format!("name another in {}", of_pools(spec, name))));
    }
    Ok(found.into_iter().filter_map(machine).collect())
}

/// Names the fields that ask for a machine type.
fn of_pools(spec: &ClusterSpec, machine: &str) -> String {
    let asks = |pool: &&Pool| pool.machine.iter().any(|name| name == machine);
    let field = |pool: &Pool| format!("pools.{}.machine", pool.name);
    spec.pools.iter().filter(asks).map(field).collect::<Vec<_>>().join(" and ")
}

/// Returns the name of a machine type whose accelerators the standard image cannot drive.
fn accelerated(info: &InstanceTypeInfo) -> Option<&str> {
    let has = info.gpu_info.is_some()
        || info.neuron_info.is_some()
        || info.inference_accelerator_info.is_some();
    info.instance_type.as_ref().filter(|_| has).map(|name| name.as_str())
}

fn machine(info: InstanceTypeInfo) -> Option<(String, Machine)> {
    let archs = info.processor_info?.supported_architectures?;
    let machine = Machine {
        vcpus: info.v_cpu_info?.default_v_cpus?.try_into().ok()?,
        memory_mib: info.memory_info?.size_in_mib?.try_into().ok()?,
        arch: match archs.contains(&ArchitectureType::Arm64) {
            true => Arch::Arm,
            false => Arch::X86,
        },
        nvme_gb: info
            .instance_storage_info
            .and_then(|storage| storage.total_size_in_gb?.try_into().ok())
            .unwrap_or_default(),
        max_pods: info.network_info.as_ref().and_then(max_pods),
    };
    Some((info.instance_type?.to_string(), machine))
}

/// Counts the pods that a machine has addresses for: those of its interfaces but the first of each,
/// and two pods on the node's own address. Source: Amazon EKS User Guide, Amazon VPC CNI.
fn max_pods(network: &NetworkInfo) -> Option<u32> {
    let interfaces: u32 = network.maximum_network_interfaces?.try_into().ok()?;
    let addresses: u32 = network.ipv4_addresses_per_interface?.try_into().ok()?;
    Some(interfaces * addresses.checked_sub(1)? + 2)
}

async fn available(aws: &Aws) -> Result<Vec<Zone>> {
    let found = aws.ec2.describe_availability_zones().send().await;
    let found = found.reply("ec2:DescribeAvailabilityZones")?.availability_zones;
    Ok(found.unwrap_or_default().into_iter().filter_map(Zone::new).collect())
}

async fn offers(aws: &Aws, types: BTreeSet<String>) -> Result<Offers> {
    if types.is_empty() {
        return Ok(Offers::default());
    }
    let types = types.into_iter().collect();
    let wanted = Filter::builder().name("instance-type").set_values(Some(types)).build();
    let call = aws.ec2.describe_instance_type_offerings().filters(wanted);
    let call = call.location_type(LocationType::AvailabilityZone);
    let found: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let found = found.reply("ec2:DescribeInstanceTypeOfferings")?;
    let offer = |offering: aws_sdk_ec2::types::InstanceTypeOffering| {
        Some((offering.location?, offering.instance_type?.to_string()))
    };
    Ok(found.into_iter().filter_map(offer).collect())
}

/// Checks that the platform fits into what the pools can grow to.
fn enough(spec: &ClusterSpec, facts: &Facts) -> Result<()> {
    const CORES: u64 = 16;
    const GIGABYTES: u64 = 80;
    if spec.profile != Profile::Qualytics {
        return Ok(());
    }
    let least = |pool: &Pool, of: fn(&Machine) -> u64| {
        let machines = pool.machine.iter();
        let known = machines.filter_map(|name| facts.get::<Machine>(&machine_key(name)));
        known.map(|machine| of(&machine)).min().unwrap_or_default() * u64::from(pool.max)
    };
    let sum = |of| spec.pools.iter().map(|pool| least(pool, of)).sum::<u64>();
    let cores = sum(|machine| u64::from(machine.vcpus));
    let gigabytes = sum(|machine| machine.memory_mib) * 1024 * 1024 / 1_000_000_000;
    if cores >= CORES && gigabytes >= GIGABYTES {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "pools reach {cores} vCPUs and {gigabytes} GB at their maximum; profile qualytics needs at \
         least {CORES} vCPUs and {GIGABYTES} GB"
    ))
    .hint("give a pool a larger max or larger machines"))
}

#[cfg(test)]
mod tests;
