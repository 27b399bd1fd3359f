//! The default storage class.
use super::check::{Case, Finding, Judged};
use super::nodes::is_open;
use super::snapshot::{Snapshot, Unread, count, few, items, name, text};
use serde_json::Value;

/// The annotations that make a class the default.
const DEFAULT: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

/// Provisioners of old, and the drivers that do their work by now.
/// Source: kubernetes.io, Volumes, CSI migration.
const MIGRATED: [(&str, &str); 3] = [
    ("kubernetes.io/aws-ebs", "ebs.csi.aws.com"),
    ("kubernetes.io/gce-pd", "pd.csi.storage.gke.io"),
    ("kubernetes.io/azure-disk", "disk.csi.azure.com"),
];

/// A driver of a cloud, and how its classes say what disks they have.
struct Disks {
    drivers: &'static [&'static str],
    /// The parameters that say it, in lowercase.
    fields: &'static [&'static str],
    /// What a class has that says nothing.
    usual: &'static str,
    /// What begins the names of solid-state disks, in lowercase.
    solid: &'static [&'static str],
}

/// Source: the documentation of each driver's StorageClass parameters.
const DISKS: [Disks; 4] = [
    Disks {
        drivers: &["ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com"],
        fields: &["type"],
        usual: "gp3",
        solid: &["gp2", "gp3", "io1", "io2"],
    },
    Disks {
        drivers: &["pd.csi.storage.gke.io"],
        fields: &["type"],
        usual: "pd-standard",
        solid: &["pd-ssd", "pd-balanced", "pd-extreme", "hyperdisk-balanced", "hyperdisk-extreme"],
    },
    Disks {
        drivers: &["disk.csi.azure.com"],
        fields: &["skuname", "storageaccounttype"],
        usual: "StandardSSD_LRS",
        solid: &["standardssd", "premium", "ultrassd"],
    },
    Disks {
        drivers: &["blockvolume.csi.oraclecloud.com"],
        fields: &["vpusPerGB"],
        usual: "10",
        solid: &[""],
    },
];

fn is_default(class: &Value) -> bool {
    DEFAULT.iter().any(|key| class["metadata"]["annotations"][*key] == "true")
}

/// Returns the driver that makes the volumes of a class.
fn driver(class: &Value) -> &str {
    let own = text(class, "/provisioner");
    MIGRATED.iter().find(|(old, _)| *old == own).map_or(own, |(_, new)| new)
}

/// Returns the one class that is the default.
fn the_default<'a>(case: &'a Case<'_>) -> Result<&'a Value, Unread> {
    let classes = case.seen.classes.as_ref()?;
    let all: Vec<_> = classes.iter().filter(|class| is_default(class)).collect();
    match all[..] {
        [class] => Ok(class),
        _ => Err(Unread("no class is the one default".to_owned())),
    }
}

/// Tells whether a volume of the default class goes with its claim.
pub(super) fn leaves_nothing(seen: &Snapshot) -> bool {
    let classes = seen.classes.as_ref().map(Vec::as_slice).unwrap_or_default();
    let all: Vec<_> = classes.iter().filter(|class| is_default(class)).collect();
    matches!(all[..], [class] if matches!(text(class, "/reclaimPolicy"), "" | "Delete"))
}

pub(super) fn default(case: &Case<'_>) -> Judged {
    let classes = case.seen.classes.as_ref()?;
    let all: Vec<_> = classes.iter().filter(|class| is_default(class)).map(name).collect();
    let found = match all.len() {
        0 if classes.is_empty() => "no class at all".to_owned(),
        0 => format!("none of {}", few(classes.iter().map(name))),
        _ => few(all.iter().copied()),
    };
    let hint = match all.get(1) {
        Some(second) => {
            format!("`kubectl annotate --overwrite storageclass {second} {}=false`", DEFAULT[0])
        }
        None => format!("`kubectl annotate --overwrite storageclass NAME {}=true`", DEFAULT[0]),
    };
    Ok(Finding::of(all.len() == 1, found, "one default class", hint))
}

pub(super) fn ssd(case: &Case<'_>) -> Judged {
    let class = the_default(case)?;
    let driver = driver(class);
    let Some(disks) = DISKS.iter().find(|disks| disks.drivers.contains(&driver)) else {
        return Ok(Finding::skip(format!("{driver} does not tell what its disks are")));
    };
    let parameters = class["parameters"].as_object();
    let mut parameters = parameters.into_iter().flatten();
    let said = parameters
        .find(|(key, _)| disks.fields.iter().any(|field| field.eq_ignore_ascii_case(key)));
    let kind = said.and_then(|(_, value)| value.as_str()).unwrap_or(disks.usual);
    let is_solid = disks.solid.iter().any(|solid| kind.to_lowercase().starts_with(solid));
    let found = format!("{kind}, by {}", name(class));
    let hint = "make another class the default, whose disks are solid-state";
    Ok(Finding::of(is_solid, found, "solid-state disks", hint))
}

pub(super) fn binding(case: &Case<'_>) -> Judged {
    let class = the_default(case)?;
    let mode = match text(class, "/volumeBindingMode") {
        "" => "Immediate",
        mode => mode,
    };
    let hint = format!(
        "make {} anew with volumeBindingMode WaitForFirstConsumer: a volume that is made at once may \
         be in a zone where its pod cannot run",
        name(class)
    );
    let wanted = "WaitForFirstConsumer";
    Ok(Finding::of(mode == wanted, format!("{mode}, by {}", name(class)), wanted, hint))
}

pub(super) fn driver_is_there(case: &Case<'_>) -> Judged {
    let driver = driver(the_default(case)?);
    let wanted = format!("{driver} on every node that is ready");
    let hint = format!(
        "install the driver {driver}, on EKS as an add-on, or make a class of another the default"
    );
    let drivers = case.seen.drivers.as_ref()?;
    if !drivers.iter().any(|it| name(it) == driver) {
        return Ok(match driver.split('.').any(|part| part == "csi") {
            true => Finding::fail(format!("{driver} is not registered"), wanted, hint),
            false => Finding::skip(format!("{driver} is no CSI driver, and registers nothing")),
        });
    }
    let (nodes, on) = (case.seen.nodes.as_ref()?, case.seen.node_drivers.as_ref()?);
    let has = |node: &&Value| {
        let mut its = on.iter().filter(|it| name(it) == name(node));
        its.any(|it| items(it, "/spec/drivers").iter().any(|it| it["name"] == driver))
    };
    let (with, without): (Vec<_>, Vec<_>) = nodes.iter().filter(|it| is_open(it)).partition(has);
    Ok(match without.is_empty() {
        true => Finding::pass(format!("{driver} on {}", count(with.len(), "node")), wanted),
        false => {
            let missing = few(without.iter().map(|node| name(node)));
            Finding::fail(format!("{driver} is not on {missing}"), wanted, hint)
        }
    })
}
