//! The reply to each kind's create is lost once, and still there is one object of each.
use crate::provision::{Folder, with_key_and_issuer};
use crate::proxy::{Fate, Proxy};
use crate::server::Moto;
use std::collections::BTreeMap;

/// The create of each kind.
const CREATES: [&str; 18] = [
    "AllocateAddress",
    "AssociateRouteTable",
    "CreateAlias",
    "CreateInternetGateway",
    "CreateKey",
    "CreateLaunchTemplate",
    "CreateLogGroup",
    "CreateNatGateway",
    "CreateOpenIDConnectProvider",
    "CreateRole",
    "CreateRoute",
    "CreateRouteTable",
    "CreateSubnet",
    "CreateVpc",
    "CreateVpcEndpoint",
    "POST /clusters",
    "POST /clusters/*/node-groups",
    "PutRolePolicy",
];

#[test]
fn a_lost_reply_makes_no_second_object() {
    let moto = Moto::start();
    let before = moto.inventory();
    let proxy = Proxy::start(&moto.url, |call| {
        match call.count == 1 && CREATES.contains(&call.operation) {
            true => Fate::LoseReply,
            false => Fate::Pass,
        }
    });
    let file = with_key_and_issuer();
    let mut folder = Folder::on(&moto, &file);
    folder.set("AWS_ENDPOINT_URL", &proxy.url);
    folder.ok(&["apply", "--auto-approve"]);

    let calls = proxy.calls();
    let never: Vec<_> = CREATES.iter().filter(|create| !calls.contains_key(**create)).collect();
    assert!(never.is_empty(), "never called: {never:?} among {calls:?}");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for object in moto.inventory().iter().filter(|object| !before.contains(object)) {
        let kind = object["kind"].as_str().expect("a kind").to_owned();
        *counts.entry(kind).or_default() += 1;
    }
    let expected = [
        ("cluster", 1),
        ("elastic-ip", 1),
        ("internet-gateway", 1),
        ("key", 1),
        ("key-alias", 1),
        ("launch-template", 3),
        ("log-group", 1),
        ("nat-gateway", 1),
        ("node-group", 3),
        ("oidc-provider", 1),
        ("role", 2),
        ("role-policy", 1),
        ("route-table", 4),
        ("subnet", 6),
        ("vpc", 1),
        ("vpc-endpoint", 1),
    ];
    assert_eq!(counts, expected.map(|(kind, n)| (kind.to_owned(), n)).into());
    assert_eq!(folder.plan(), [""; 0]);
    folder.ok(&["destroy", "--auto-approve"]);
    assert_eq!(moto.inventory(), before);
}
