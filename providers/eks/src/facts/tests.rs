use super::*;
use aws_sdk_ec2::types::{
    GpuInfo, InstanceStorageInfo, InstanceType, MemoryInfo, NeuronInfo, ProcessorInfo, VCpuInfo,
};

fn spec(rest: &str) -> ClusterSpec {
    let text =
        format!("name: acme\nprovider: eks\nregion: us-east-1\nprofile: qualytics\n{rest}\n");
    provision_spec::read("a.yaml", text.as_bytes()).unwrap()
}

fn recorded(key: &str, value: serde_json::Value) -> Facts {
    Facts { recorded: [(key.to_owned(), value)].into(), ..Facts::default() }
}

#[test]
fn a_pool_that_moves_is_seen() {
    let of = |pool: &str| placements(&spec(&format!("pools: {{ executor: {{ {pool} }} }}")));
    let before = of("");
    assert_eq!(before, of("min: 2, max: 9, diskGb: 200"));
    for moved in ["zones: [us-east-1a]", "capacity: on-demand", "machine: r5.2xlarge"] {
        assert_ne!(before, of(moved), "{moved}");
    }
}

#[test]
fn machines_with_accelerators_are_told_apart() {
    let info = || InstanceTypeInfo::builder().instance_type(InstanceType::from("x.large"));
    assert_eq!(accelerated(&info().build()), None);
    let gpu = info().gpu_info(GpuInfo::builder().build()).build();
    let neuron = info().neuron_info(NeuronInfo::builder().build()).build();
    assert_eq!((accelerated(&gpu), accelerated(&neuron)), (Some("x.large"), Some("x.large")));
}

#[test]
fn a_pool_gets_by_with_the_machines_that_the_region_has() {
    let spec =
        spec("pools: { app: { machine: m5.large, max: 9 }, run: { machine: [a, b, c] , max: 2 } }");
    let absent = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let of =
        |names: &[&str]| offered(&spec, &absent(names)).map(|spec| spec.pools[1].machine.clone());
    assert_eq!(of(&["b", "d"]).unwrap(), ["a", "c"]);
    let error = of(&["a", "b", "c"]).unwrap_err();
    assert_eq!(error.message, "EC2 has no machine type a, b, c in us-east-1");
    assert!(error.hint.unwrap().starts_with("name one that the region has in pools.run.machine"));
}

#[test]
fn recorded_zones_win_until_the_file_asks_for_more() {
    let before = ["a", "b"].map(String::from);
    let of = |rest: &str| zones_on_record(&spec(rest), &before);
    assert_eq!(of("network: { zones: 2 }"), Some(before.to_vec()));
    assert_eq!(of("network: { zones: 3 }"), None);
}

#[test]
fn the_control_plane_stays_in_its_zones() {
    let mut facts = Facts::default();
    let zones = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    record_zones(&mut facts, &zones(&["b", "a"])).unwrap();
    let mut none = facts.clone();
    record_zones(&mut none, &zones(&["a", "c"])).expect("there is no control plane yet");
    assert_eq!(none.get::<Vec<String>>(CONTROL_PLANE_ZONES).unwrap(), ["a", "c"]);
    facts.seen.insert(LIVE.into(), json!("1.35"));
    assert_eq!(facts.get::<Vec<String>>(ZONES).unwrap(), ["b", "a"]);
    record_zones(&mut facts, &zones(&["a", "b", "c"])).unwrap();
    assert_eq!(facts.get::<Vec<String>>(ZONES).unwrap(), ["b", "a", "c"]);
    assert_eq!(facts.get::<Vec<String>>(CONTROL_PLANE_ZONES).unwrap(), ["b", "a"]);
    record_zones(&mut facts, &zones(&["a", "b"])).unwrap();
    let error = record_zones(&mut facts, &zones(&["a", "c"])).unwrap_err();
    assert!(error.message.contains("leaves out b"), "{error}");
}

#[test]
fn a_machine_is_told_by_its_shape() {
    let info = InstanceTypeInfo::builder()
        .instance_type(InstanceType::from("r5d.2xlarge"))
        .v_cpu_info(VCpuInfo::builder().default_v_cpus(8).build())
        .memory_info(MemoryInfo::builder().size_in_mib(65536).build())
        .processor_info(
            ProcessorInfo::builder().supported_architectures(ArchitectureType::X8664).build(),
        )
        .instance_storage_info(InstanceStorageInfo::builder().total_size_in_gb(300).build());
    let (name, machine) = machine(info.build()).unwrap();
    assert_eq!(name, "r5d.2xlarge");
    let fact = json!({"vcpus": 8, "memoryMib": 65536, "arch": "x86_64", "nvmeGb": 300});
    assert_eq!(json!(machine), fact);
}

#[test]
fn the_platform_must_fit_into_the_pools() {
    let machine = |vcpus: u32, memory_mib: u64| {
        json!(Machine { vcpus, memory_mib, arch: Arch::X86, nvme_gb: 0, max_pods: None })
    };
    let spec = spec("pools: { app: { machine: [big, small], max: 2 } }");
    let mut facts = recorded("machine/big", machine(64, 512 * 1024));
    facts.recorded.insert("machine/small".into(), machine(4, 16 * 1024));
    let error = enough(&spec, &facts).unwrap_err();
    assert!(error.message.starts_with("pools reach 8 vCPUs and 34 GB"), "{error}");
    facts.recorded.insert("machine/small".into(), machine(8, 48 * 1024));
    enough(&spec, &facts).unwrap();
}
