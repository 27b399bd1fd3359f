//! The policy that bounds every role, as somebody else sees it, and when somebody else changed it.
use crate::boto::Boto;
use crate::folder::{FILE, Folder};
use crate::served::Served;
use serde_json::{Value, json};

const OURS: &str = "arn:aws:iam::aws:policy/PowerUserAccess";
const THEIRS: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

/// Names the role of nodes, with a boundary or none.
fn node(boundary: Option<&str>) -> Value {
    let mut role = json!({ "RoleName": "provision-acme-prod-us-east-1-node" });
    if let Some(boundary) = boundary {
        role["PermissionsBoundary"] = json!(boundary);
    }
    role
}

/// Returns the boundary of the role. It may lag behind what was just changed, but not behind a plan,
/// which asks for much.
fn boundary(boto: &Boto<'_>) -> Option<String> {
    let role = boto.call("iam", "get_role", &node(None));
    role["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"].as_str().map(str::to_owned)
}

#[test]
fn a_role_is_made_within_its_boundary_and_drift_is_mended() {
    let served = Served::start();
    let folder =
        Folder::on(&served, &format!("{FILE}eks: {{ permissionsBoundary: \"{OURS}\" }}\n"));
    let boto = Boto::at_home(&served);
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!((folder.plan(), boundary(&boto).as_deref()), (vec![], Some(OURS)));
    let operations = served.operations();
    assert!(operations.iter().all(|it| it != "PutRolePermissionsBoundary"), "{operations:?}");

    boto.call("iam", "put_role_permissions_boundary", &node(Some(THEIRS)));
    assert_eq!(folder.plan(), ["update role/node"]);
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!((folder.plan(), boundary(&boto).as_deref()), (vec![], Some(OURS)));
    boto.call("iam", "delete_role_permissions_boundary", &node(None));
    assert_eq!(folder.plan(), ["update role/node"]);
    folder.ok(&["apply", "--auto-approve"]);
    assert_eq!((folder.plan(), boundary(&boto).as_deref()), (vec![], Some(OURS)));
}
