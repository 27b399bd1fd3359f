//! The services that VPC endpoints lead to, and the prefixes of those behind gateways.
use super::super::{Answer, Call, Refusal, domain, partition};
use super::describe::Describe;
use super::noun::Filters;
use super::{Filter, Operation, zones};
use serde::Deserialize;
use serde_json::{Value, json};

/// The services with interface endpoints, with what their own names begin with.
const INTERFACE: &[(&str, &str)] = &[
    ("autoscaling", "autoscaling"),
    ("ec2", "ec2"),
    ("ec2messages", "ec2messages"),
    ("ecr.api", "api.ecr"),
    ("ecr.dkr", "*.dkr.ecr"),
    ("eks", "eks"),
    ("eks-auth", "eks-auth"),
    ("elasticloadbalancing", "elasticloadbalancing"),
    ("kms", "kms"),
    ("logs", "logs"),
    ("monitoring", "monitoring"),
    ("s3", "*.s3"),
    ("secretsmanager", "secretsmanager"),
    ("sns", "sns"),
    ("sqs", "sqs"),
    ("ssm", "ssm"),
    ("ssmmessages", "ssmmessages"),
    ("sts", "sts"),
];

/// The services whose names begin with `cn.` in China.
const OF_CHINA: &[&str] = &["autoscaling", "ec2", "ecr.api", "ecr.dkr", "sts"];

/// The services with gateway endpoints, with the list of their prefixes.
const GATEWAY: &[(&str, &str, &[&str])] = &[
    ("s3", "pl-63a5400a", &["198.19.128.0/18"]),
    ("dynamodb", "pl-02cd2c6b", &["198.19.192.0/18"]),
];

/// A service that endpoints lead to.
pub(super) struct Service {
    pub(super) name: String,
    pub(super) short: &'static str,
    pub(super) kind: &'static str,
    /// The name that leads there when private DNS is on.
    pub(super) private_name: String,
    pub(super) prefix_list: Option<&'static str>,
}

/// Returns the services of a region.
pub(super) fn all(region: &str) -> Vec<Service> {
    let suffix = domain(region);
    let service = |short, kind, host: &str, prefix_list| Service {
        name: match partition(region) == "aws-cn" && OF_CHINA.contains(&short) {
            true => format!("cn.com.amazonaws.{region}.{short}"),
            false => format!("com.amazonaws.{region}.{short}"),
        },
        short,
        kind,
        private_name: match short {
            "eks-auth" => format!("{host}.{region}.api.aws"),
            _ => format!("{host}.{region}.{suffix}"),
        },
        prefix_list,
    };
    let gateways =
        GATEWAY.iter().map(|(short, list, _)| service(short, "Gateway", short, Some(*list)));
    let interfaces = INTERFACE.iter().map(|(short, host)| service(short, "Interface", host, None));
    gateways.chain(interfaces).collect()
}

pub(super) const OPERATIONS: &[Operation] = &[
    ("DescribeVpcEndpointServices", |call, input| call.run(input, services)),
    ("DescribePrefixLists", |call, input| {
        let asked = Describe::read(call, input, "PrefixListId")?;
        let filters: Filters =
            &[("prefix-list-id", "prefixListId"), ("prefix-list-name", "prefixListName")];
        prefixes(call, &asked, filters, |list| {
            json!({
                "prefixListId": list.id,
                "prefixListName": list.name,
                "cidrSet": list.cidrs,
            })
        })
    }),
    ("DescribeManagedPrefixLists", |call, input| {
        let asked = Describe::read(call, input, "PrefixListId")?;
        let filters: Filters = &[
            ("owner-id", "ownerId"),
            ("prefix-list-id", "prefixListId"),
            ("prefix-list-name", "prefixListName"),
        ];
        let (partition, region) = (partition(&call.region), call.region.clone());
        prefixes(call, &asked, filters, |list| {
            let id = list.id;
            json!({
                "prefixListId": id,
                "prefixListName": list.name,
                "prefixListArn": format!("arn:{partition}:ec2:{region}:aws:prefix-list/{id}"),
                "addressFamily": "IPv4",
                "state": "create-complete",
                "ownerId": "AWS",
                "tagSet": [],
            })
        })
    }),
];

/// A list of prefixes.
struct List {
    id: &'static str,
    name: String,
    cidrs: &'static [&'static str],
}

fn prefixes(
    call: &Call<'_>,
    asked: &Describe,
    filters: Filters,
    show: impl Fn(&List) -> Value,
) -> Answer {
    let region = &call.region;
    let named = |(short, id, cidrs): &(&str, &'static str, &'static [&'static str])| List {
        id,
        name: format!("com.amazonaws.{region}.{short}"),
        cidrs,
    };
    let lists: Vec<List> = GATEWAY.iter().map(named).collect();
    if let Some(id) = asked.ids.iter().find(|id| !lists.iter().any(|list| list.id == **id)) {
        let message = format!("The prefix list ID '{id}' does not exist");
        return Err(Refusal::new("InvalidPrefixListID.NotFound", message));
    }
    let wanted = |list: &&List| asked.ids.is_empty() || asked.ids.iter().any(|id| id == list.id);
    let items = lists.iter().filter(wanted).map(show).collect();
    asked.list("prefixListSet", items, filters, |list| list["prefixListId"].to_string())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    service_name: Vec<String>,
    #[serde(default)]
    filter: Vec<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

fn services(call: &mut Call<'_>, request: Asked) -> Answer {
    let all = all(&call.region);
    if let Some(name) =
        request.service_name.iter().find(|name| !all.iter().any(|s| s.name == **name))
    {
        let message = format!("The Vpc Endpoint Service '{name}' does not exist");
        return Err(Refusal::new("InvalidServiceName", message));
    }
    let wanted = |service: &&Service| {
        request.service_name.is_empty() || request.service_name.contains(&service.name)
    };
    let details = all.iter().filter(wanted).map(|service| detail(call, service)).collect();
    let filters: Filters = &[
        ("owner", "owner"),
        ("service-name", "serviceName"),
        ("service-region", "serviceRegion"),
        ("service-type", "serviceType.serviceType"),
        ("supported-ip-address-types", "supportedIpAddressTypeSet"),
    ];
    let page = super::super::Page { size: request.max_results, token: request.next_token };
    let asked = Describe { filters: request.filter, page, ..Describe::default() };
    let name = |service: &Value| format!("{}{}", service["serviceName"], service["serviceId"]);
    let mut answer = asked.list("serviceDetailSet", details, filters, name)?;
    let mut names: Vec<Value> = match &answer["serviceDetailSet"] {
        Value::Array(details) => details.iter().map(|its| its["serviceName"].clone()).collect(),
        _ => Vec::new(),
    };
    names.dedup();
    answer["serviceNameSet"] = json!(names);
    Ok(answer)
}

fn detail(call: &Call<'_>, service: &Service) -> Value {
    let zones: Vec<&str> = zones::of(&call.region)
        .into_iter()
        .flat_map(|region| region.own())
        .map(|z| z.name)
        .collect();
    let number = service.name.bytes().chain(service.kind.bytes());
    let number = number.fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let private = (service.kind == "Interface").then_some(&service.private_name);
    json!({
        "serviceName": service.name,
        "serviceId": format!("vpce-svc-{number:017x}"),
        "serviceType": [{ "serviceType": service.kind }],
        "serviceRegion": call.region,
        "availabilityZoneSet": zones,
        "owner": "amazon",
        "baseEndpointDnsNameSet": [format!("{}.{}.vpce.{}", service.short, call.region, domain(&call.region))],
        "privateDnsName": private,
        "privateDnsNameSet": private.map(|name| json!([{ "privateDnsName": name }])),
        "vpcEndpointPolicySupported": true,
        "acceptanceRequired": false,
        "managesVpcEndpoints": false,
        "tagSet": [],
        "supportedIpAddressTypeSet": ["ipv4"],
    })
}
