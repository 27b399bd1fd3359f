//! Target groups: where load balancers forward to.
use super::super::{Answer, Call, Refusal, partition};
use super::balancer::{self, NewBalancer};
use super::{no_page, page};
use crate::world::{Key, Object, World};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const KIND: &str = "elb.target_group";

/// Makes the target group of a load balancer, and returns its ARN.
pub(super) fn create(world: &mut World, new: &NewBalancer<'_>, balancer: &str) -> String {
    let (region, account) = (&new.place.region, &new.place.account);
    let arn = format!(
        "arn:{}:elasticloadbalancing:{region}:{account}:targetgroup/{}/{}",
        partition(region),
        new.name,
        world.digits(16)
    );
    let group = balancer::begin(
        world,
        new,
        json!({
            "TargetGroupArn": arn,
            "TargetGroupName": new.name,
            "Protocol": "TCP",
            "Port": 8443,
            "VpcId": new.vpc,
            "HealthCheckProtocol": "TCP",
            "HealthCheckPort": "traffic-port",
            "HealthCheckEnabled": true,
            "HealthCheckIntervalSeconds": 10,
            "HealthCheckTimeoutSeconds": 10,
            "HealthyThresholdCount": 3,
            "UnhealthyThresholdCount": 3,
            "LoadBalancerArns": [balancer],
            "TargetType": "ip",
            "IpAddressType": "ipv4",
        }),
    );
    world.put(Key::new(KIND, arn.as_str()), group);
    arn
}

fn is_of(group: &Object, balancer: &str) -> bool {
    let all = group.body.get("LoadBalancerArns").and_then(Value::as_array);
    all.is_some_and(|all| all.iter().any(|arn| arn == balancer))
}

/// Parts target groups from a load balancer.
pub(super) fn detach(world: &mut World, balancer: &str) {
    let its = world.of(KIND).filter(|(_, group)| is_of(group, balancer));
    let its: Vec<Key> = its.map(|(key, _)| key.clone()).collect();
    for key in its {
        world.edit(&key, |group| group.set("LoadBalancerArns", json!([])));
    }
}

pub(super) fn missing() -> Refusal {
    Refusal::new("TargetGroupNotFound", "One or more target groups not found")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Describe {
    load_balancer_arn: Option<String>,
    #[serde(default)]
    target_group_arns: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    marker: Option<String>,
    page_size: Option<i64>,
}

pub(super) fn describe(call: &mut Call<'_>, request: Describe) -> Answer {
    if let Some(arn) = &request.load_balancer_arn {
        call.find(&Key::new(balancer::KIND, arn)).ok_or_else(balancer::missing)?;
    }
    let all: Vec<&Object> = call.seen(KIND).into_iter().map(|(_, group)| group).collect();
    let has = |field: &str, value: &String| all.iter().any(|group| group.text(field) == value);
    let (arns, names) = (&request.target_group_arns, &request.names);
    if !arns.iter().all(|arn| has("TargetGroupArn", arn))
        || !names.iter().all(|name| has("TargetGroupName", name))
    {
        return Err(missing());
    }
    let is_asked = |group: &&Object| {
        let by = |list: &[String], field| {
            list.is_empty() || list.iter().any(|it| it == group.text(field))
        };
        by(arns, "TargetGroupArn")
            && by(names, "TargetGroupName")
            && request.load_balancer_arn.as_ref().is_none_or(|arn| is_of(group, arn))
    };
    let shown = all.into_iter().filter(is_asked).map(|group| json!(group.body)).collect();
    let page = page(request.page_size, request.marker)?;
    let name = |it: &Value| it["TargetGroupArn"].as_str().unwrap_or_default().to_owned();
    let (groups, next) = page.cut(shown, name, no_page)?;
    Ok(json!({ "TargetGroups": groups, "NextMarker": next }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    target_group_arn: String,
}

/// Takes a target group away that nothing forwards to; one that there is not is away already.
pub(super) fn delete(call: &mut Call<'_>, request: Named) -> Answer {
    let key = Key::new(KIND, request.target_group_arn);
    let is_used = call.get(&key).is_some_and(|group| {
        group.body.get("LoadBalancerArns").is_some_and(|arns| *arns != json!([]))
    });
    if is_used {
        let message =
            format!("Target group '{}' is currently in use by a listener or a rule", key.id);
        return Err(Refusal::new("ResourceInUse", message));
    }
    if call.get(&key).is_some() {
        call.world.remove(&key);
    }
    Ok(json!({}))
}
