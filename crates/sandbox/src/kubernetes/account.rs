//! Tokens of service accounts.
use super::authority;
use super::kind::Kind;
use super::objects::{self, Cluster, name, text, time};
use super::status::{Problem, Status};
use super::who::User;
use crate::behaviour::Behaviour;
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const SHORTENED: Behaviour = Behaviour {
    service: "kubernetes",
    what: "a token of a service account that is asked for longer than 24 hours is good for these",
    seconds: 0,
    source: "kube-apiserver, --service-account-max-token-expiration; that EKS sets it to a day is \
        an assumption",
};

/// The shortest and longest that a token can be good, in seconds.
const SHORTEST: u64 = 600;
const LONGEST: u64 = 24 * 60 * 60;

/// How long a token is good that says nothing.
const USUAL: u64 = 60 * 60;

/// What tokens are for that say nothing.
const AUDIENCE: &str = "https://kubernetes.default.svc";

fn sealed(world: &World, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&authority::header()), part(claims));
    let signature = authority::sign(world, &text);
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Makes a token for a service account.
///
/// # Errors
/// When it would be good for too short a time.
pub(super) fn token(
    world: &mut World,
    cluster: &Cluster,
    account: &Value,
    asked: &Value,
) -> Result<Value, Status> {
    let kind = Kind { kind: "TokenRequest".to_owned(), ..review() };
    let seconds = asked["spec"]["expirationSeconds"].as_u64().unwrap_or(USUAL);
    if seconds < SHORTEST {
        let why = "may not specify a duration less than 10 minutes";
        let problem =
            Problem::invalid("spec.expirationSeconds", &asked["spec"]["expirationSeconds"], why);
        return Err(Status::invalid(&kind, "", &[problem]));
    }
    let seconds = seconds.min(LONGEST);
    let now = world.now / 1000;
    let audiences = match &asked["spec"]["audiences"] {
        Value::Array(all) if !all.is_empty() => json!(all),
        _ => json!([AUDIENCE]),
    };
    let (namespace, its) = (text(account, "/metadata/namespace"), name(account));
    let claims = json!({
        "aud": audiences,
        "exp": now + seconds,
        "iat": now,
        "nbf": now,
        "iss": format!("https://oidc.eks.{}.amazonaws.com/id/{}", cluster.region, cluster.id),
        "jti": world.uuid(),
        "kubernetes.io": {
            "namespace": namespace,
            "serviceaccount": { "name": its, "uid": account["metadata"]["uid"] },
        },
        "sub": format!("system:serviceaccount:{namespace}:{its}"),
    });
    let token = sealed(world, &claims);
    Ok(json!({
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": { "name": its, "namespace": namespace,
            "creationTimestamp": time(world.now) },
        "spec": { "audiences": audiences, "expirationSeconds": seconds,
            "boundObjectRef": asked["spec"]["boundObjectRef"] },
        "status": { "token": token, "expirationTimestamp": time((now + seconds) * 1000) },
    }))
}

fn review() -> Kind {
    Kind { group: "authentication.k8s.io".to_owned(), ..Kind::named("serviceaccounts").clone() }
}

/// Finds out whose token this is, if it is good.
pub(super) fn bearer(world: &World, cluster: &Cluster, token: &str) -> Option<User> {
    let (text_part, _) = token.rsplit_once('.')?;
    let claims = URL_SAFE_NO_PAD.decode(text_part.split_once('.')?.1).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    if sealed(world, &claims) != token {
        return None;
    }
    let until = claims["exp"].as_u64()?;
    let is_for_us = objects::items(&claims, "/aud").contains(&json!(AUDIENCE));
    let issuer = text(&claims, "/iss").rsplit('/').next();
    if world.now / 1000 >= until || !is_for_us || issuer != Some(cluster.id.as_str()) {
        return None;
    }
    let its = &claims["kubernetes.io"];
    let (namespace, its_name) = (text(its, "/namespace"), text(its, "/serviceaccount/name"));
    let kind = Kind::named("serviceaccounts");
    let account = objects::get(world, cluster, kind, namespace, its_name)?;
    if account["metadata"]["uid"] != its["serviceaccount"]["uid"] {
        return None;
    }
    let groups =
        ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
    let id = format!("JTI={}", text(&claims, "/jti"));
    Some(User {
        name: text(&claims, "/sub").to_owned(),
        uid: text(&account, "/metadata/uid").to_owned(),
        groups: groups.into(),
        policies: Vec::new(),
        extra: BTreeMap::from([(
            "authentication.kubernetes.io/credential-id".to_owned(),
            vec![id],
        )]),
    })
}
