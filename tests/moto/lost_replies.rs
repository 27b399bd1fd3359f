//! The reply to each kind's create is lost once, and still there is one object of each.
use crate::provision::{FILE, Folder};
use crate::proxy::Proxy;
use crate::server::Moto;
use std::collections::BTreeMap;

const CREATES: [&str; 15] = [
    "CreateVpc",
    "CreateSubnet",
    "CreateInternetGateway",
    "AllocateAddress",
    "CreateNatGateway",
    "CreateRouteTable",
    "CreateRoute",
    "AssociateRouteTable",
    "CreateVpcEndpoint",
    "CreateLaunchTemplate",
    "CreateRole",
    "CreateKey",
    "CreateAlias",
    "CreateLogGroup",
    "CreateOpenIDConnectProvider",
];
const REST_CREATES: [&str; 2] = ["POST /clusters", "POST /clusters/*/node-groups"];

#[test]
fn a_lost_reply_makes_no_second_object() {
    const CUT: &[&str] = &{
        let mut all = [""; 17];
        let mut i = 0;
        while i < 15 {
            all[i] = CREATES[i];
            i += 1;
        }
        all[15] = REST_CREATES[0];
        all[16] = REST_CREATES[1];
        all
    };
    let moto = Moto::start();
    let before = moto.inventory();
    let proxy = Proxy::start(&moto.url, CUT);
    let file = format!("{FILE}kubernetes: {{ secretsKey: own }}\neks: {{ irsa: true }}\n");
    let mut folder = Folder::new(&moto, &file);
    folder.set("AWS_ENDPOINT_URL", &proxy.url);
    folder.ok(&["apply", "--auto-approve"]);

    let calls = proxy.calls();
    let never: Vec<_> = CUT.iter().filter(|operation| !calls.contains_key(**operation)).collect();
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
