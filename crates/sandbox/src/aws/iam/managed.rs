//! The policies that AWS manages: those that stacks around EKS use.
use super::super::{Call, partition};
use super::role::OF_SERVICES;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Path, name, version, and the days when it was made and last changed.
type Managed = (&'static str, &'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const ALL: &[Managed] = &[
    ("/aws-service-role/", "AWSEC2SpotFleetServiceRolePolicy", "v4", "2017-10-23", "2020-03-16"),
    ("/aws-service-role/", "AWSEC2SpotServiceRolePolicy", "v4", "2017-09-18", "2018-12-12"),
    ("/aws-service-role/", "AWSElasticLoadBalancingServiceRolePolicy", "v14", "2017-09-19", "2026-02-12"),
    ("/aws-service-role/", "AWSServiceRoleForAmazonEKSNodegroup", "v11", "2019-11-07", "2026-02-17"),
    ("/", "AWSXRayDaemonWriteAccess", "v2", "2018-08-28", "2024-02-13"),
    ("/", "AdministratorAccess", "v1", "2015-02-06", "2015-02-06"),
    ("/", "AmazonEBSCSIDriverEKSClusterScopedPolicy", "v1", "2026-04-16", "2026-04-16"),
    ("/service-role/", "AmazonEBSCSIDriverPolicy", "v14", "2022-04-04", "2026-02-12"),
    ("/", "AmazonEBSCSIDriverPolicyV2", "v1", "2026-04-16", "2026-04-16"),
    ("/", "AmazonEC2ContainerRegistryPowerUser", "v3", "2015-12-21", "2019-12-10"),
    ("/", "AmazonEC2ContainerRegistryPullOnly", "v1", "2024-10-04", "2024-10-04"),
    ("/", "AmazonEC2ContainerRegistryReadOnly", "v3", "2015-12-21", "2019-12-10"),
    ("/", "AmazonEC2FullAccess", "v5", "2015-02-06", "2018-11-27"),
    ("/", "AmazonEC2ReadOnlyAccess", "v5", "2015-02-06", "2026-02-12"),
    ("/service-role/", "AmazonEFSCSIDriverPolicy", "v1", "2023-07-25", "2023-07-25"),
    ("/", "AmazonEKSBlockStoragePolicy", "v1", "2024-10-30", "2024-10-30"),
    ("/", "AmazonEKSClusterPolicy", "v10", "2018-05-27", "2026-02-12"),
    ("/", "AmazonEKSComputePolicy", "v6", "2024-11-01", "2026-04-17"),
    ("/", "AmazonEKSFargatePodExecutionRolePolicy", "v1", "2019-11-22", "2019-11-22"),
    ("/aws-service-role/", "AmazonEKSForFargateServiceRolePolicy", "v1", "2019-11-22", "2019-11-22"),
    ("/", "AmazonEKSLoadBalancingPolicy", "v7", "2024-10-30", "2026-04-27"),
    ("/", "AmazonEKSLocalOutpostClusterPolicy", "v4", "2022-08-24", "2024-10-24"),
    ("/", "AmazonEKSNetworkingPolicy", "v2", "2024-10-28", "2026-02-20"),
    ("/", "AmazonEKSServicePolicy", "v7", "2018-05-27", "2024-10-14"),
    ("/aws-service-role/", "AmazonEKSServiceRolePolicy", "v25", "2020-02-21", "2026-04-21"),
    ("/", "AmazonEKSVPCResourceController", "v1", "2020-08-12", "2020-08-12"),
    ("/", "AmazonEKSWorkerNodeMinimalPolicy", "v1", "2024-10-02", "2024-10-02"),
    ("/", "AmazonEKSWorkerNodePolicy", "v3", "2018-05-27", "2023-11-27"),
    ("/", "AmazonEKS_CNI_Policy", "v6", "2018-05-27", "2026-03-04"),
    ("/", "AmazonPrometheusRemoteWriteAccess", "v1", "2020-12-19", "2020-12-19"),
    ("/aws-service-role/", "AmazonRDSServiceRolePolicy", "v14", "2018-01-08", "2024-07-01"),
    ("/", "AmazonRoute53FullAccess", "v7", "2015-02-06", "2026-02-12"),
    ("/", "AmazonRoute53ReadOnlyAccess", "v2", "2015-02-06", "2016-11-15"),
    ("/", "AmazonS3FullAccess", "v2", "2015-02-06", "2021-09-27"),
    ("/", "AmazonS3ReadOnlyAccess", "v3", "2015-02-06", "2023-08-10"),
    ("/", "AmazonSSMManagedEC2InstanceDefaultPolicy", "v2", "2022-08-30", "2024-07-16"),
    ("/", "AmazonSSMManagedInstanceCore", "v2", "2019-03-15", "2019-05-23"),
    ("/", "AmazonVPCFullAccess", "v13", "2015-02-06", "2026-02-12"),
    ("/", "AmazonVPCReadOnlyAccess", "v12", "2015-02-06", "2026-02-12"),
    ("/", "AutoScalingFullAccess", "v2", "2017-01-12", "2018-02-06"),
    ("/", "AutoScalingReadOnlyAccess", "v1", "2017-01-12", "2017-01-12"),
    ("/aws-service-role/", "AutoScalingServiceRolePolicy", "v10", "2018-01-08", "2025-11-12"),
    ("/", "CloudWatchAgentServerPolicy", "v3", "2018-03-07", "2024-02-06"),
    ("/", "CloudWatchLogsFullAccess", "v8", "2015-02-06", "2026-02-12"),
    ("/", "CloudWatchLogsReadOnlyAccess", "v12", "2015-02-06", "2026-02-12"),
    ("/", "ElasticLoadBalancingFullAccess", "v9", "2018-09-20", "2026-02-23"),
    ("/", "IAMFullAccess", "v2", "2015-02-06", "2019-06-21"),
    ("/", "IAMReadOnlyAccess", "v4", "2015-02-06", "2018-01-25"),
    ("/", "PowerUserAccess", "v12", "2015-02-06", "2026-02-12"),
    ("/", "ReadOnlyAccess", "v182", "2015-02-06", "2026-04-03"),
    ("/", "SecurityAudit", "v86", "2015-02-06", "2026-05-01"),
    ("/job-function/", "ViewOnlyAccess", "v45", "2016-11-10", "2026-04-22"),
];

/// Returns every policy that AWS manages, as the API shows it.
pub(super) fn all(call: &Call<'_>) -> impl Iterator<Item = Value> {
    let partition = partition(&call.region);
    ALL.iter().map(move |policy| show(partition, policy))
}

/// Finds a policy that AWS manages.
pub(super) fn find(call: &Call<'_>, arn: &str) -> Option<Value> {
    all(call).find(|policy| policy["Arn"] == arn)
}

/// Tells whether an ARN is one of AWS's own.
pub(super) fn is_arn(arn: &str) -> bool {
    arn.split(':').nth(4) == Some("aws")
}

fn show(partition: &str, (path, name, version, made, changed): &Managed) -> Value {
    let letter =
        |byte: &u8| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::from(byte % 32)]);
    let id: String = Sha256::digest(name).iter().take(17).map(letter).collect();
    json!({
        "PolicyName": name,
        "PolicyId": format!("ANPA{id}"),
        "Arn": format!("arn:{partition}:iam::aws:policy{path}{name}"),
        "Path": path,
        "DefaultVersionId": version,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": !path.starts_with(OF_SERVICES),
        "CreateDate": format!("{made}T00:00:00Z"),
        "UpdateDate": format!("{changed}T00:00:00Z"),
    })
}
