//! Changes that EKS carries out in its own time, and what it says when something went wrong.
use crate::aws::{Aws, Reply, foreign_status};
use aws_sdk_eks::types::{Update, UpdateStatus};
use provision_core::{Cx, Error, Kind, Operation, Progress, Result, Started};

/// Words with which EKS passes on that EC2 has no machines to give.
const NO_CAPACITY: [&str; 4] = [
    "InsufficientInstanceCapacity",
    "UnfulfillableCapacity",
    "InsufficientFreeAddresses",
    "sufficient capacity",
];
/// Words with which EKS passes on that a limit of the account is reached.
const NO_QUOTA: [&str; 3] = ["LimitExceeded", "MaxSpotInstanceCount", "vCPU capacity"];

/// What to do about codes of EKS that come with nothing else to go by.
const REMEDIES: [(&str, &str); 9] = [
    (
        "AccessDenied",
        "see that the roles and the key of the cluster have their policies, and that whoever applies \
         may use the key, and run the same command again",
    ),
    (
        "AdmissionRequestDenied",
        "look for what refuses it: `kubectl get validatingwebhookconfigurations`",
    ),
    ("ClusterUnreachable", "look at the cluster's security groups: EKS does not reach its API"),
    (
        "ConfigurationConflict",
        "somebody else has changed the add-on's objects: undo that, or ask for what it is now",
    ),
    ("EniLimitReached", "delete network interfaces of the VPC, or ask for a higher limit of them"),
    (
        "InsufficientFreeAddresses",
        "make room in the pool's subnets, and run the same command again",
    ),
    ("IpNotAvailable", "make room in the cluster's subnets, and run the same command again"),
    (
        "NodeCreationFailure",
        "look at what keeps its machines from the API: way out, security groups, node role",
    ),
    (
        "PodEvictionFailure",
        "look for a budget that lets no pod go: `kubectl get pdb --all-namespaces`",
    ),
];

/// What to do where EKS could not act as its own role, which it makes with the first node group of an
/// account. That comes as `AccessDenied`.
const LINKED: (&str, &str) = (
    "service-linked role",
    "EKS may just have made that role, and not know it everywhere yet: run the same command again",
);

/// What to do about the rest, and where EKS names nothing.
const OTHERWISE: &str = "mend what EKS names, and run the same command again";
const UNTOLD: &str = "look at it in the AWS console, and run the same command again";

/// Names what was begun: `cluster/update`, `cluster/node group/update` or
/// `cluster/addon/add-on/update`.
pub(super) fn begun<O>(path: &str, update: Option<Update>) -> Started<O> {
    match update.and_then(|update| update.id) {
        Some(id) => Started::running(Operation(format!("{path}/{id}"))),
        None => Started::done(),
    }
}

/// Asks how a change is doing. One that EKS does not know has ended.
pub(super) async fn poll(cx: &Cx<'_, Aws>, operation: &Operation) -> Result<Progress> {
    let parts: Vec<_> = operation.0.split('/').collect();
    let call = cx.cloud.eks.describe_update();
    let call = match parts[..] {
        [cluster, update] => call.name(cluster).update_id(update),
        [cluster, group, update] => call.name(cluster).nodegroup_name(group).update_id(update),
        [cluster, "addon", addon, update] => call.name(cluster).addon_name(addon).update_id(update),
        _ => return Err(Error::invalid(format!("{} names no update", operation.0))),
    };
    let found = match call.send().await {
        Err(error) if foreign_status(&error) == Some(404) => None,
        answer => answer.found("eks:DescribeUpdate")?,
    };
    Ok(found.and_then(|answer| answer.update).map_or(Progress::Done, progress))
}

fn progress(update: Update) -> Progress {
    match update.status {
        Some(UpdateStatus::Successful) => Progress::Done,
        Some(UpdateStatus::Failed | UpdateStatus::Cancelled) => {
            let errors = update.errors.unwrap_or_default().into_iter();
            let issues =
                errors.map(|error| (error.error_code.map(|c| c.to_string()), error.error_message));
            Progress::Failed(failure(issues.collect(), "the update failed"))
        }
        status => Progress::Running(status.map_or_else(String::new, |s| s.to_string())),
    }
}

/// Joins codes and messages into the words of EKS.
pub(super) fn words(issues: &[(Option<String>, Option<String>)]) -> String {
    let one = |(code, message): &(Option<String>, Option<String>)| {
        let parts = [code.as_deref(), message.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
    };
    issues.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Makes an error of issues; `otherwise` stands in where EKS gives none.
pub(super) fn failure(issues: Vec<(Option<String>, Option<String>)>, otherwise: &str) -> Error {
    let words = words(&issues);
    let says = |any: &[&str]| any.iter().any(|it| words.contains(it));
    let kind = match () {
        // Of several issues the one that no waiting mends.
        () if says(&NO_QUOTA) => Kind::Quota,
        () if says(&NO_CAPACITY) => Kind::Capacity,
        () => Kind::Invalid,
    };
    let remedies = [LINKED].into_iter().chain(REMEDIES);
    let remedy = remedies.into_iter().find(|(code, _)| says(&[code])).map(|(_, hint)| hint);
    let rest = if words.is_empty() { UNTOLD } else { OTHERWISE };
    let remedy = remedy.or((kind == Kind::Invalid).then_some(rest));
    let error = Error::new(kind, if words.is_empty() { otherwise.to_owned() } else { words });
    match remedy {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_eks::types::{ErrorCode, ErrorDetail, NodegroupIssueCode};

    #[test]
    fn words_tell_a_lack_of_capacity_from_a_limit() {
        let of = |code: &str, message: &str| {
            failure(vec![(Some(code.into()), Some(message.into()))], "it failed").kind
        };
        let asg = "AsgInstanceLaunchFailures";
        assert_eq!(of(asg, "Could not launch: InsufficientInstanceCapacity"), Kind::Capacity);
        assert_eq!(of(asg, "Could not launch Spot: UnfulfillableCapacity"), Kind::Capacity);
        assert_eq!(of("InstanceLimitExceeded", "too many"), Kind::Quota);
        let spot = "Could not launch Spot Instances. MaxSpotInstanceCountExceeded - Max spot \
            instance count exceeded.";
        assert_eq!(of(asg, spot), Kind::Quota);
        let both = format!("{spot}; UnfulfillableCapacity");
        assert_eq!(of(asg, &both), Kind::Quota, "no waiting mends a limit");
        assert_eq!(of("NodeCreationFailure", "did not join"), Kind::Invalid);
        let untold = failure(Vec::new(), "it failed");
        assert_eq!((&*untold.message, untold.hint.as_deref()), ("it failed", Some(UNTOLD)));
    }

    #[test]
    fn a_role_of_eks_that_was_only_just_made_is_no_missing_permission() {
        let words = "Amazon EKS Nodegroups was unable to assume the service-linked role in your \
            account";
        let of = |words: &str| failure(vec![(Some("AccessDenied".into()), Some(words.into()))], "");
        assert_eq!(of(words).hint.as_deref(), Some(LINKED.1));
        assert!(of("no").hint.is_some_and(|hint| hint.contains("have their policies")));
    }

    #[test]
    fn a_failed_update_gives_its_words() {
        let detail = ErrorDetail::builder().error_code(ErrorCode::IpNotAvailable);
        let detail = detail.error_message("no address").build();
        let update = Update::builder().status(UpdateStatus::Failed).errors(detail).build();
        let Progress::Failed(error) = progress(update) else { panic!("it failed") };
        assert_eq!(error.message, "IpNotAvailable: no address");
        assert!(error.hint.is_some_and(|hint| hint.contains("cluster's subnets")));
        let running = Update::builder().status(UpdateStatus::InProgress).build();
        assert_eq!(progress(running), Progress::Running("InProgress".into()));
    }

    #[test]
    fn remedies_are_for_codes_that_there_are() {
        for (code, _) in REMEDIES {
            let known = ErrorCode::values().contains(&code);
            let of_pool = NodegroupIssueCode::values().contains(&code);
            assert!(known || of_pool, "{code}");
        }
    }

    #[test]
    fn an_update_is_named_by_its_path() {
        let update = Update::builder().id("u-1").build();
        let started: Started<()> = begun("acme/app-1", Some(update));
        assert_eq!(started.operation, Some(Operation("acme/app-1/u-1".into())));
        assert_eq!(begun::<()>("acme", None), Started::done());
    }
}
