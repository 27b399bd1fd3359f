"""What is within a cluster: add-ons, access entries, identities of pods; and versions."""

from scenarios.clusters import CLUSTER, network, role, take_down, without

ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


def play(s):
    eks = s.client("eks")
    vpc, subnets = network(s)
    cluster = role(s, "plane", "eks.amazonaws.com", CLUSTER)
    eks.create_cluster(
        name="acme",
        version="1.34",
        roleArn=cluster,
        resourcesVpcConfig={"subnetIds": subnets},
        accessConfig={
            "authenticationMode": "API",
            "bootstrapClusterCreatorAdminPermissions": False,
        },
        bootstrapSelfManagedAddons=False,
    )
    s.wait("the cluster is active", eks, "cluster_active", name="acme")
    of_addons(s, eks)
    of_entries(s, eks)
    of_pods(s, eks)
    of_versions(s, eks)
    eks.delete_cluster(name="acme")
    s.wait("the cluster has gone", eks, "cluster_deleted", name="acme")
    take_down(s, vpc, subnets)
    without(s, "plane", CLUSTER)


def of_addons(s, eks):
    addon = {"clusterName": "acme", "addonName": "vpc-cni"}
    s.do("an add-on", eks.create_addon, clientRequestToken="cni", tags={"a": "b"}, **addon)
    s.do("the same token", eks.create_addon, clientRequestToken="cni", tags={"a": "b"}, **addon)
    s.do("the same add-on", eks.create_addon, clientRequestToken="other", **addon)
    s.wait("the add-on is active", eks, "addon_active", **addon)
    s.do("the add-on, active", eks.describe_addon, **addon)
    wrong = {"clusterName": "acme", "addonName": "nothing"}
    s.do("no such add-on made", eks.create_addon, **wrong)
    s.do("no such add-on", eks.describe_addon, **wrong)
    never = {"addonName": "kube-proxy", "addonVersion": "v0.0.0-eksbuild.1"}
    s.do("no such add-on version", eks.create_addon, **addon | never)
    wrong = {"configurationValues": '{"enableNetworkPolicy":true}'}
    s.do("policies are no truth value", eks.update_addon, **addon | wrong)
    s.do("the add-on is changed", eks.update_addon, resolveConflicts="OVERWRITE", **addon)
    s.wait("the change is done", eks, "addon_active", **addon)
    s.do("another add-on", eks.create_addon, clusterName="acme", addonName="coredns")
    s.pages("the add-ons", eks, "list_addons", "addons", 1, clusterName="acme")
    s.do("the add-on goes", eks.delete_addon, **addon)
    s.wait("the add-on has gone", eks, "addon_deleted", **addon)
    s.do("the add-on goes twice", eks.delete_addon, **addon)


def of_entries(s, eks):
    who = {"clusterName": "acme", "principalArn": "arn:aws:iam::123456789012:role/plane"}
    s.do("an entry", eks.create_access_entry, tags={"a": "b"}, **who)
    s.do("the same entry", eks.create_access_entry, **who)
    policy = {"policyArn": ADMIN, "accessScope": {"type": "cluster"}}
    s.do("a policy", eks.associate_access_policy, **who, **policy)
    s.do("the entry", eks.describe_access_entry, **who)
    s.do("its policies", eks.list_associated_access_policies, **who)
    other = policy | {"policyArn": ADMIN.replace("ClusterAdmin", "Nothing")}
    s.do("no such policy", eks.associate_access_policy, **who, **other)
    s.do("the entries", eks.list_access_entries, clusterName="acme")
    s.do("other groups", eks.update_access_entry, kubernetesGroups=["viewers"], **who)
    s.look("all policies", "accessPolicies[?name=='AmazonEKSViewPolicy']", eks.list_access_policies)
    s.do("the policy goes", eks.disassociate_access_policy, policyArn=ADMIN, **who)
    s.do("the entry goes", eks.delete_access_entry, **who)
    s.do("the entry goes twice", eks.delete_access_entry, **who)
    s.do("no such entry", eks.describe_access_entry, **who)


def of_pods(s, eks):
    arn = role(s, "pods", "pods.eks.amazonaws.com")
    pod = {"clusterName": "acme", "namespace": "kube-system", "serviceAccount": "autoscaler"}
    made = s.do("an association", eks.create_pod_identity_association, roleArn=arn, **pod)
    s.do("the same association", eks.create_pod_identity_association, roleArn=arn, **pod)
    named = {"clusterName": "acme", "associationId": made["association"]["associationId"]}
    s.do("the association", eks.describe_pod_identity_association, **named)
    s.do("the associations", eks.list_pod_identity_associations, clusterName="acme")
    s.do("another role", eks.update_pod_identity_association, roleArn=arn, **named)
    s.do("the association, changed", eks.describe_pod_identity_association, **named)
    s.do("the association goes", eks.delete_pod_identity_association, **named)
    s.do("it goes twice", eks.delete_pod_identity_association, **named)
    without(s, "pods")


def of_versions(s, eks):
    s.do("the versions", eks.describe_cluster_versions, clusterVersions=["1.34"])
    s.do("the default", eks.describe_cluster_versions, defaultOnly=True)
    versions = {"kubernetesVersion": "1.34", "addonName": "vpc-cni"}
    s.do("versions of an add-on", eks.describe_addon_versions, **versions)
    version = eks.describe_addon_configuration
    wrong = {"addonName": "vpc-cni", "addonVersion": "v0.0.0-eksbuild.1"}
    s.do("how an add-on of no version is set up", version, **wrong)
    s.do("a cluster of none", eks.describe_addon, clusterName="nobody", addonName="vpc-cni")
