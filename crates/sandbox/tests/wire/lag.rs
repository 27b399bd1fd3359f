//! Reads lag on an instant clock as they do on any other, and what is new in IAM reaches others late.
use crate::client::Client;
use provision_sandbox::{Sandbox, Settings};
use serde_json::json;

/// After how many requests everybody has seen a change.
const SEEN: usize = 8;

fn start(seed: u64) -> Sandbox {
    Sandbox::start(Settings { seed, ..Settings::default() }).expect("it starts")
}

#[test]
fn what_was_just_made_is_not_always_found() {
    let mut missed = 0;
    for seed in 0..10 {
        let sandbox = start(seed);
        let client = Client::of(&sandbox);
        let made = client.form("ec2", "Action=CreateVpc&CidrBlock=10.0.0.0/16");
        let id = made.element("vpcId");
        let find = || client.form("ec2", &format!("Action=DescribeVpcs&VpcId.1={id}"));
        let found: Vec<bool> = (0..40)
            .map(|_| {
                let reply = find();
                let code = reply.element("Code");
                assert!(matches!(code, "" | "InvalidVpcID.NotFound"), "{}", reply.body);
                code.is_empty()
            })
            .collect();
        missed += found.iter().filter(|found| !*found).count();
        assert!(found[SEEN..].iter().all(|found| *found), "seed {seed}: {found:?}");
    }
    assert!(missed > 0, "no read of ten seeds lagged");
}

#[test]
fn a_new_role_reaches_eks_after_a_while() {
    let mut refused = 0;
    for seed in 0..10 {
        let sandbox = start(seed);
        let client = Client::of(&sandbox);
        let subnets = subnets(&client);
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"eks.amazonaws.com"}}]}"#;
        let trust: String = form_urlencoded::byte_serialize(trust.as_bytes()).collect();
        let role = format!("Action=CreateRole&RoleName=plane&AssumeRolePolicyDocument={trust}");
        assert_eq!(client.form("iam", &role).status, 200);
        let policy = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy";
        let attach = format!("Action=AttachRolePolicy&RoleName=plane&PolicyArn={policy}");
        while client.form("iam", &attach).status != 200 {}
        let cluster = json!({
            "name": "acme",
            "roleArn": "arn:aws:iam::123456789012:role/plane",
            "resourcesVpcConfig": { "subnetIds": subnets },
        });
        let make = || client.signed("eks", "POST", "/clusters", &[], &cluster.to_string());
        let replies: Vec<_> = (0..=SEEN).map(|_| make()).collect();
        let made = replies.iter().position(|reply| reply.status == 200);
        refused += usize::from(made.unwrap_or_else(|| panic!("{replies:?}")) > 0);
    }
    assert!(refused > 5, "{refused} of ten seeds");
}

/// Returns subnets of two zones in the default VPC.
fn subnets(client: &Client) -> Vec<String> {
    let zones = "Filter.1.Name=availability-zone&Filter.1.Value.1=us-east-1a\
        &Filter.1.Value.2=us-east-1b";
    let ask = || client.form("ec2", &format!("Action=DescribeSubnets&{zones}"));
    (0..SEEN).for_each(|_| drop(ask()));
    let all = ask().body;
    let ids = all.split("<subnetId>").skip(1).filter_map(|rest| rest.split('<').next());
    ids.map(str::to_owned).collect()
}
