//! The document that scripts read.
use super::*;

#[test]
fn the_document_has_the_promised_shape() {
    let mut steps = vec![create("vpc", "aws.ec2.vpc", json!({"cidr": "10.0.0.0/16"}))];
    let gateway = json!({"vpc": id("vpc")});
    let mut gateway = create("internet-gateway", "aws.ec2.internet_gateway", gateway);
    gateway.after.insert(0);
    steps.push(gateway);
    let mut case = Case::new(steps);
    case.lineage = None;
    case.facts.insert("zones".into(), json!(ZONES));
    let document = serde_json::to_string_pretty(&case.view().json()).unwrap();
    insta::assert_snapshot!(document, @r#"
    {
      "format": "provision.plan/v1",
      "cluster": "acme-prod",
      "provider": "eks",
      "scope": {
        "world": "vendor",
        "account": "123456789012",
        "partition": "aws",
        "region": "us-east-1"
      },
      "lineage": null,
      "serial": 0,
      "facts": {
        "zones": [
          "us-east-1a",
          "us-east-1b",
          "us-east-1c"
        ]
      },
      "newFacts": {
        "zones": [
          "us-east-1a",
          "us-east-1b",
          "us-east-1c"
        ]
      },
      "seen": {},
      "unmanaged": [],
      "notes": [],
      "warnings": [],
      "unknown": {},
      "degraded": {},
      "kept": {},
      "yields": {},
      "summary": {
        "create": 2,
        "update": 0,
        "adopt": 0,
        "delete": 0
      },
      "expectedSeconds": 0,
      "along": [],
      "steps": [
        {
          "id": "0/create/vpc",
          "address": "vpc",
          "kind": "aws.ec2.vpc",
          "object": null,
          "action": "create",
          "stage": 0,
          "cause": "file",
          "changes": [
            {
              "field": "cidr",
              "from": null,
              "to": "10.0.0.0/16"
            }
          ],
          "after": []
        },
        {
          "id": "0/create/internet-gateway",
          "address": "internet-gateway",
          "kind": "aws.ec2.internet_gateway",
          "object": null,
          "action": "create",
          "stage": 0,
          "cause": "file",
          "changes": [
            {
              "field": "vpc",
              "from": null,
              "to": {
                "$from": "vpc",
                "output": "id"
              }
            }
          ],
          "after": [
            "0/create/vpc"
          ]
        }
      ]
    }
    "#);
}

#[test]
fn what_gives_way_is_told_with_what_takes_its_place() {
    let mut case = Case::new(Vec::new());
    let what = "kubernetes.default_storage_class gp2 is not ours";
    case.plan.yields.insert("default-storage-class".into(), what.into());
    let text = case.text(200);
    let row = format!("{what}; to take its place: `--adopt default-storage-class`");
    assert!(text.contains("Left alone\n") && text.contains(&row), "{text}");
    assert!(text.ends_with("The cluster is as the file says, 1 left alone.\n"), "{text}");
    assert_eq!(case.view().json()["yields"]["default-storage-class"], what);
}
