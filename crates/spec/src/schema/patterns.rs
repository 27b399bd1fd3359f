//! Regular expressions in the dialect of JSON Schema: ECMA-262 with the `u` flag.

/// Names of clusters and pools.
pub(super) const NAME: &str = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";
/// Names of storage classes.
pub(super) const CLASS: &str = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$";
/// Paths of files.
pub(super) const PATH: &str = r#"^[^\s"]([^"]*[^\s"])?$"#;
/// Days up to a year, or hours up to as many.
pub(super) const TERM: &str = concat!(
    "^0*([1-9][0-9]?|[12][0-9]{2}|3[0-5][0-9]|36[0-5])d$",
    "|^0*([1-9][0-9]{0,2}|[1-7][0-9]{3}|8[0-6][0-9]{2}|87[0-5][0-9]|8760)h$",
);
/// Names of environment variables.
pub(super) const VARIABLE: &str = "^[A-Za-z_][A-Za-z0-9_]*$";
/// Regions of AWS.
pub(super) const REGION: &str = "^[a-z]+(-[a-z]+)+-[0-9]+$";
/// Zones of any cloud.
pub(super) const ZONE: &str = "^[A-Za-z0-9:-]{1,60}$";
/// Machine types of any cloud.
pub(super) const MACHINE: &str = "^[A-Za-z0-9_.:-]{1,63}$";
/// Minor versions of Kubernetes.
pub(super) const MINOR: &str = r"^1\.[1-9][0-9]{0,2}$";
/// Accounts of AWS.
pub(super) const ACCOUNT: &str = "^[0-9]{12}$";
/// ARNs of policies in IAM, also of those that AWS gives to every account.
pub(super) const POLICY_ARN: &str =
    "^arn:aws(-[a-z]+)*:iam::([0-9]{12}|aws):policy/[!-~]*[!-.0-~]$";
/// ARNs of roles in IAM.
pub(super) const ROLE_ARN: &str = "^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/[!-~]*[!-.0-~]$";
/// Words that a role's trust policy may ask for.
pub(super) const EXTERNAL_ID: &str = "^[A-Za-z0-9_+=,.@:/-]{2,1224}$";
/// ARNs of roles and users in IAM.
pub(super) const PRINCIPAL_ARN: &str =
    "^arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[!-~]*[!-.0-~]$";
/// Names of access policies of EKS, or their ARNs.
pub(super) const ACCESS_POLICY: &str =
    "^(arn:aws(-[a-z]+)*:eks::aws:cluster-access-policy/)?[A-Za-z0-9]{1,128}$";
/// Names of add-ons of EKS.
pub(super) const ADDON: &str = "^[a-z0-9]+([_-][a-z0-9]+)*$";
/// Ids of keys: visible characters but quotes, at least one of which no plain word has.
pub(super) const KEY_ID: &str = "^[!#-&(-_a-~]*[:/.-][!#-&(-_a-~]*$";
/// IPv4 networks, the only ones that EKS lets in; that no bit is set beyond the prefix is for the
/// reader to see.
pub(super) const NETWORK: &str = concat!(
    r"^(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}",
    "/([0-9]|[12][0-9]|3[0-2])$",
);
/// Keys of labels and taints.
pub(super) const LABEL_KEY: &str = concat!(
    r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*/)?",
    "[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$",
);
/// Keys of labels that belong to Kubernetes or to a cloud.
pub(super) const RESERVED_LABEL: &str = concat!(
    r"^([^/]*\.)?(kubernetes\.io|k8s\.io|eks\.amazonaws\.com",
    r"|cloud\.google\.com|kubernetes\.azure\.com)/",
);
/// Values of labels and taints, which may be empty.
pub(super) const LABEL_VALUE: &str = "^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$";
/// Keys and values of tags: no space at either end.
pub(super) const TAG: &str = concat!(
    r"^([\p{Alphabetic}\p{N}_.:/=+@-]",
    r"([\p{Alphabetic}\p{N} _.:/=+@-]*[\p{Alphabetic}\p{N}_.:/=+@-])?)?$",
);
/// Keys of tags that belong to the cloud or to this program, in any case.
pub(super) const RESERVED_TAG: &str = "^([Aa][Ww][Ss]:|[Pp][Rr][Oo][Vv][Ii][Ss][Ii][Oo][Nn]-)";

/// Returns the expression of private IPv4 networks from /16 to /20.
pub(super) fn private_network() -> String {
    let octet = "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])";
    let carrier = r"100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])";
    let first = format!(r"10\.{octet}|172\.(1[6-9]|2[0-9]|3[01])|192\.168|{carrier}");
    format!(r"^({first})(\.{octet}){{2}}/(1[6-9]|20)$")
}
