//! The roles of services themselves.
use super::super::{Answer, Call, Refusal, partition};
use super::entity;
use super::role::{self, New, OF_SERVICES};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// A service, with the end of its role's name, and the policy of that.
const SERVICES: &[(&str, &str, &str)] = &[
    ("autoscaling", "AutoScaling", "AutoScalingServiceRolePolicy"),
    ("eks", "AmazonEKS", "AmazonEKSServiceRolePolicy"),
    ("eks-fargate", "AmazonEKSForFargate", "AmazonEKSForFargateServiceRolePolicy"),
    ("eks-nodegroup", "AmazonEKSNodegroup", "AWSServiceRoleForAmazonEKSNodegroup"),
    ("elasticloadbalancing", "ElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy"),
    ("rds", "RDS", "AmazonRDSServiceRolePolicy"),
    ("spot", "EC2Spot", "AWSEC2SpotServiceRolePolicy"),
    ("spotfleet", "EC2SpotFleet", "AWSEC2SpotFleetServiceRolePolicy"),
];

/// The only service whose roles may have another suffix each.
const SUFFIXED: &str = "autoscaling";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    #[serde(rename = "AWSServiceName")]
    service: String,
    #[serde(rename = "Description")]
    description: Option<String>,
    #[serde(rename = "CustomSuffix")]
    suffix: Option<String>,
}

pub(super) fn create(call: &mut Call<'_>, request: Create) -> Answer {
    let Create { service, description, suffix } = request;
    entity::name("awsServiceName", &service, 128)?;
    entity::description(description.as_deref())?;
    let word = service.strip_suffix(".amazonaws.com").unwrap_or_default();
    let found = SERVICES.iter().find(|(name, _, _)| *name == word);
    let (word, title, policy) =
        found.ok_or_else(|| Refusal::unsupported(&format!("the role of the service {service}")))?;
    let mut name = format!("AWSServiceRoleFor{title}");
    if let Some(suffix) = suffix {
        entity::name("customSuffix", &suffix, 64)?;
        if *word != SUFFIXED {
            let message = format!("Custom suffix is not allowed for {service}");
            return Err(Refusal::new("InvalidInput", message));
        }
        name = format!("{name}_{suffix}");
    }
    if role::is_taken(call, &name) {
        let message = format!(
            "Service role name {name} has been taken in this account, please try a different \
             suffix."
        );
        return Err(Refusal::new("InvalidInput", message));
    }
    let statement = json!({
        "Effect": "Allow",
        "Principal": { "Service": service },
        "Action": "sts:AssumeRole",
    });
    let policy = format!("arn:{}:iam::aws:policy{OF_SERVICES}{policy}", partition(&call.region));
    let new = New {
        path: format!("{OF_SERVICES}{service}/"),
        name,
        trust: json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string(),
        description,
        longest: 3600,
        boundary: None,
        tags: BTreeMap::new(),
        policies: vec![policy],
    };
    let key = role::make(call, new);
    Ok(json!({ "Role": call.get(&key).map(role::show) }))
}
