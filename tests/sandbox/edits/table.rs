//! The edits, one after another.

/// A file that differs from the one before in one field, and what the plan then says: action,
/// address without generation, and the fields that change, from what and to what.
pub(super) struct Edit {
    pub(super) what: &'static str,
    pub(super) rest: &'static str,
    pub(super) steps: &'static [&'static str],
}

/// Everything that is made inside a cluster.
const INSIDE: &[&str] = &[
    "create autoscaler/cluster-role",
    "create autoscaler/cluster-role-binding",
    "create autoscaler/deployment",
    "create autoscaler/role",
    "create autoscaler/role-binding",
    "create autoscaler/service-account",
    "create default-storage-class",
    "create namespace/qualytics",
    "create storage-class/fast",
    "create storage-class/fast-retain",
];

/// The same, taken away.
const OUTSIDE: &[&str] = &[
    "delete autoscaler/cluster-role",
    "delete autoscaler/cluster-role-binding",
    "delete autoscaler/deployment",
    "delete autoscaler/role",
    "delete autoscaler/role-binding",
    "delete autoscaler/service-account",
    "delete default-storage-class",
    "delete namespace/qualytics",
    "delete storage-class/fast",
    "delete storage-class/fast-retain",
];

/// Another pool in the place of one.
const ANEW: &[&str] = &[
    "create launch-template/app",
    "create pool/app",
    "create scaling-tags/app",
    "delete launch-template/app",
    "delete pool/app",
];

/// Returns the pools of the profile, of which the first is told more of.
macro_rules! app {
    ($rest:literal) => {
        concat!("pools: { app: { ", $rest, " }, driver: {}, executor: {} }\n")
    };
}

pub(super) const EDITS: &[Edit] = &[
    Edit {
        what: "kubernetes.api.allow",
        rest: "kubernetes: { api: { allow: [203.0.113.0/24] } }\n",
        steps: &["update cluster public_cidrs: [0.0.0.0/0] → [203.0.113.0/24]"],
    },
    Edit {
        what: "inCluster",
        rest: "kubernetes: { api: { allow: [203.0.113.0/24] } }\ninCluster: false\n",
        steps: OUTSIDE,
    },
    Edit {
        what: "kubernetes.api.public, where nothing inside is ours",
        rest: "kubernetes: { api: { allow: [203.0.113.0/24], public: false } }\ninCluster: false\n",
        steps: &[
            "update cluster public: true → false",
            "update cluster public_cidrs: [203.0.113.0/24] → []",
        ],
    },
    Edit {
        what: "kubernetes.api, back to its default",
        rest: "inCluster: false\n",
        steps: &[
            "update cluster public: false → true",
            "update cluster public_cidrs: [] → [0.0.0.0/0]",
        ],
    },
    Edit { what: "inCluster, back to its default", rest: "", steps: INSIDE },
    Edit {
        what: "storageClasses.iops",
        rest: "storageClasses: [{ name: fast, iops: 4000 }, { name: fast-retain }]\n",
        steps: &["create storage-class/fast", "delete storage-class/fast"],
    },
    Edit {
        what: "storageClasses.throughput",
        rest: "storageClasses: [{ name: fast, iops: 4000, throughput: 200 }, { name: fast-retain }]\n",
        steps: &["create storage-class/fast", "delete storage-class/fast"],
    },
    Edit {
        what: "storageClasses.default",
        rest: "storageClasses: [{ name: fast, iops: 4000, throughput: 200, default: false }, \
               { name: fast-retain, default: true }]\n",
        steps: &["update default-storage-class class: fast → fast-retain"],
    },
    Edit {
        what: "storageClasses.encrypted",
        rest: "storageClasses: [{ name: fast, iops: 4000, throughput: 200, default: false }, \
               { name: fast-retain, default: true, encrypted: false }]\n",
        steps: &["create storage-class/fast-retain", "delete storage-class/fast-retain"],
    },
    Edit {
        what: "storageClasses.reclaim",
        rest: "storageClasses: [{ name: fast, iops: 4000, throughput: 200, default: false }, \
               { name: fast-retain, default: true, encrypted: false, reclaim: delete }]\n",
        steps: &["create storage-class/fast-retain", "delete storage-class/fast-retain"],
    },
    Edit {
        what: "storageClasses.name",
        rest: "storageClasses: [{ name: plain, iops: 4000, throughput: 200, default: false }, \
               { name: fast-retain, default: true, encrypted: false, reclaim: delete }]\n",
        steps: &["create storage-class/plain", "delete storage-class/fast"],
    },
    Edit {
        what: "storageClasses, none",
        rest: "storageClasses: []\n",
        steps: &[
            "delete default-storage-class",
            "delete storage-class/fast-retain",
            "delete storage-class/plain",
        ],
    },
    Edit {
        what: "secrets.registryToken.env",
        rest: "storageClasses: []\nsecrets: { registryToken: { env: REGISTRY_TOKEN } }\n",
        steps: &["create secret/regcred"],
    },
    Edit {
        what: "secrets.registryToken.file",
        rest: "storageClasses: []\nsecrets: { registryToken: { file: token } }\n",
        steps: &["update secret/regcred password: something else → the token"],
    },
    Edit {
        what: "support.access",
        rest: "storageClasses: []\nsecrets: { registryToken: { file: token } }\n\
               support: { access: admin }\n",
        steps: &["create support/cluster-role-binding", "create support/service-account"],
    },
    Edit {
        what: "support.expires",
        rest: "storageClasses: []\nsecrets: { registryToken: { file: token } }\n\
               support: { access: admin, expires: 7d }\n",
        steps: &["update support/cluster-role-binding expires: 30d → 7d"],
    },
    Edit {
        what: "what is inside, back to its default",
        rest: "",
        steps: &[
            "create default-storage-class",
            "create storage-class/fast",
            "create storage-class/fast-retain",
            "delete secret/regcred",
            "delete support/cluster-role-binding",
            "delete support/service-account",
        ],
    },
    Edit {
        what: "network.nat",
        rest: "network: { nat: per-zone }\n",
        steps: &[
            "create elastic-ip/us-east-1b",
            "create elastic-ip/us-east-1c",
            "create nat-gateway/us-east-1b",
            "create nat-gateway/us-east-1c",
            "update route/private/us-east-1b target: nat-~ → nat-gateway/us-east-1b.id",
            "update route/private/us-east-1c target: nat-~ → nat-gateway/us-east-1c.id",
        ],
    },
    Edit {
        what: "network.nat, back to its default",
        rest: "",
        steps: &[
            "delete elastic-ip/us-east-1b",
            "delete elastic-ip/us-east-1c",
            "delete nat-gateway/us-east-1b",
            "delete nat-gateway/us-east-1c",
            "update route/private/us-east-1b target: nat-~ → nat-~",
            "update route/private/us-east-1c target: nat-~ → nat-~",
        ],
    },
    Edit {
        what: "network.nat, none",
        rest: "network: { nat: none }\n",
        steps: &[
            "delete elastic-ip/us-east-1a",
            "delete nat-gateway/us-east-1a",
            "delete route/private/us-east-1a",
            "delete route/private/us-east-1b",
            "delete route/private/us-east-1c",
        ],
    },
    Edit {
        what: "network.nat, back to its default again",
        rest: "",
        steps: &[
            "create elastic-ip/us-east-1a",
            "create nat-gateway/us-east-1a",
            "create route/private/us-east-1a",
            "create route/private/us-east-1b",
            "create route/private/us-east-1c",
        ],
    },
    Edit { what: "pools.app.max", rest: app!("max: 5"), steps: &["update pool/app max: 3 → 5"] },
    Edit {
        what: "pools.app.min",
        rest: app!("max: 5, min: 2"),
        steps: &["update pool/app min: 1 → 2"],
    },
    Edit {
        what: "pools.app.taints.key",
        rest: app!("max: 5, min: 2, taints: [{ key: only, value: app, effect: NoSchedule }]"),
        steps: &[
            "update pool/app taints: [] → [only, app, NO_SCHEDULE]",
            "update scaling-tags/app tags taint/only: null → app:NoSchedule",
        ],
    },
    Edit {
        what: "pools.app.taints.value",
        rest: app!("max: 5, min: 2, taints: [{ key: only, value: apps, effect: NoSchedule }]"),
        steps: &[
            "update pool/app taints: [only, app, NO_SCHEDULE] → [only, apps, NO_SCHEDULE]",
            "update scaling-tags/app tags taint/only: app:NoSchedule → apps:NoSchedule",
        ],
    },
    Edit {
        what: "pools.app.taints.effect",
        rest: app!("max: 5, min: 2, taints: [{ key: only, value: apps, effect: NoExecute }]"),
        steps: &[
            "update pool/app taints: [only, apps, NO_SCHEDULE] → [only, apps, NO_EXECUTE]",
            "update scaling-tags/app tags taint/only: apps:NoSchedule → apps:NoExecute",
        ],
    },
    Edit {
        what: "pools.app, back to its default",
        rest: "",
        steps: &[
            "update pool/app max: 5 → 3",
            "update pool/app min: 2 → 1",
            "update pool/app taints: [only, apps, NO_EXECUTE] → []",
            "update scaling-tags/app tags taint/only: apps:NoExecute → null",
        ],
    },
    Edit {
        what: "pools.app.labels",
        rest: app!("labels: { appNodes: \"true\", tier: one }"),
        steps: &[
            "update pool/app labels tier: null → one",
            "update scaling-tags/app tags label/tier: null → one",
        ],
    },
    Edit {
        what: "pools.app.diskGb",
        rest: app!("labels: { appNodes: \"true\", tier: one }, diskGb: 150"),
        steps: ANEW,
    },
    Edit {
        what: "pools.app.machine",
        rest: app!("labels: { appNodes: \"true\", tier: one }, diskGb: 150, machine: m5.2xlarge"),
        steps: ANEW,
    },
    Edit { what: "pools.app, back to its default again", rest: "", steps: ANEW },
    Edit { what: "pools.app.zones", rest: app!("zones: [us-east-1b]"), steps: ANEW },
    Edit {
        what: "pools.executor.capacity",
        rest: "pools: { app: { zones: [us-east-1b] }, driver: {}, \
               executor: { capacity: on-demand } }\n",
        steps: &[
            "create launch-template/executor",
            "create pool/executor",
            "create scaling-tags/executor",
            "delete launch-template/executor",
            "delete pool/executor",
        ],
    },
    Edit {
        what: "pools, one more",
        rest: "pools: { app: { zones: [us-east-1b] }, driver: {}, \
               executor: { capacity: on-demand }, gateway: { machine: m5.2xlarge, \
               capacity: on-demand, min: 1, max: 2 } }\n",
        steps: &[
            "create launch-template/gateway",
            "create pool/gateway",
            "create scaling-tags/gateway",
        ],
    },
    Edit {
        what: "pools, back to those of the profile",
        rest: "",
        steps: &[
            "create launch-template/app",
            "create launch-template/executor",
            "create pool/app",
            "create pool/executor",
            "create scaling-tags/app",
            "create scaling-tags/executor",
            "delete launch-template/app",
            "delete launch-template/executor",
            "delete launch-template/gateway",
            "delete pool/app",
            "delete pool/executor",
            "delete pool/gateway",
        ],
    },
    Edit { what: "eks.irsa", rest: "eks: { irsa: true }\n", steps: &["create oidc-provider"] },
    Edit { what: "eks.irsa, back to its default", rest: "", steps: &["delete oidc-provider"] },
    Edit {
        what: "eks.permissionsBoundary",
        rest: "eks: { permissionsBoundary: \"arn:aws:iam::aws:policy/PowerUserAccess\" }\n",
        steps: &[
            "update role/autoscaler boundary:  → PowerUserAccess",
            "update role/cluster boundary:  → PowerUserAccess",
            "update role/ebs-csi boundary:  → PowerUserAccess",
            "update role/node boundary:  → PowerUserAccess",
        ],
    },
    Edit {
        what: "eks.permissionsBoundary, another",
        rest: "eks: { permissionsBoundary: \"arn:aws:iam::aws:policy/ReadOnlyAccess\" }\n",
        steps: &[
            "update role/autoscaler boundary: PowerUserAccess → ReadOnlyAccess",
            "update role/cluster boundary: PowerUserAccess → ReadOnlyAccess",
            "update role/ebs-csi boundary: PowerUserAccess → ReadOnlyAccess",
            "update role/node boundary: PowerUserAccess → ReadOnlyAccess",
        ],
    },
    Edit {
        what: "eks.permissionsBoundary, back to its default",
        rest: "",
        steps: &[
            "update role/autoscaler boundary: ReadOnlyAccess → ",
            "update role/cluster boundary: ReadOnlyAccess → ",
            "update role/ebs-csi boundary: ReadOnlyAccess → ",
            "update role/node boundary: ReadOnlyAccess → ",
        ],
    },
    Edit {
        what: "eks.addons",
        rest: "eks: { addons: [vpc-cni, kube-proxy, eks-pod-identity-agent, coredns, \
               aws-ebs-csi-driver] }\n",
        steps: &["delete addon/metrics-server"],
    },
    Edit {
        what: "eks.addons, back to their default",
        rest: "",
        steps: &["create addon/metrics-server"],
    },
    Edit { what: "inCluster, again", rest: "inCluster: false\n", steps: OUTSIDE },
    Edit {
        what: "eks.access.principal",
        rest: "inCluster: false\n\
               eks: { access: [{ principal: \"arn:aws:iam::123456789012:user/ann\", \
               policy: AmazonEKSViewPolicy }] }\n",
        steps: &[
            "create access-entry/user/123456789012/ann",
            "delete access-entry/user/123456789012/sandbox",
        ],
    },
    Edit {
        what: "eks.access.policy",
        rest: "inCluster: false\n\
               eks: { access: [{ principal: \"arn:aws:iam::123456789012:user/ann\", \
               policy: AmazonEKSEditPolicy }] }\n",
        steps: &[
            "update access-entry/user/123456789012/ann policies AmazonEKSEditPolicy: null → cluster",
            "update access-entry/user/123456789012/ann policies AmazonEKSViewPolicy: cluster → null",
        ],
    },
    Edit {
        what: "eks.access, back to its default",
        rest: "inCluster: false\n",
        steps: &[
            "create access-entry/user/123456789012/sandbox",
            "delete access-entry/user/123456789012/ann",
        ],
    },
    Edit { what: "inCluster, back to its default again", rest: "", steps: INSIDE },
    Edit {
        what: "eks.podIdentity",
        rest: "eks: { podIdentity: false }\n",
        steps: &[
            "delete autoscaler/cluster-role",
            "delete autoscaler/cluster-role-binding",
            "delete autoscaler/deployment",
            "delete autoscaler/role",
            "delete autoscaler/role-binding",
            "delete autoscaler/service-account",
            "delete pod-identity/autoscaler",
            "delete pod-identity/ebs-csi",
            "delete role-policy/autoscaler",
            "delete role/autoscaler",
            "delete role/ebs-csi",
            "delete scaling-tags/app",
            "delete scaling-tags/driver",
            "delete scaling-tags/executor",
        ],
    },
    Edit {
        what: "eks.podIdentity, back to its default",
        rest: "",
        steps: &[
            "create autoscaler/cluster-role",
            "create autoscaler/cluster-role-binding",
            "create autoscaler/deployment",
            "create autoscaler/role",
            "create autoscaler/role-binding",
            "create autoscaler/service-account",
            "create pod-identity/autoscaler",
            "create pod-identity/ebs-csi",
            "create role-policy/autoscaler",
            "create role/autoscaler",
            "create role/ebs-csi",
            "create scaling-tags/app",
            "create scaling-tags/driver",
            "create scaling-tags/executor",
        ],
    },
    Edit {
        what: "network.zones",
        rest: "network: { zones: [us-east-1a, us-east-1b, us-east-1c, us-east-1d] }\n\
               pools: { app: { zones: [us-east-1a, us-east-1b, us-east-1c] }, \
               driver: { zones: [us-east-1a, us-east-1b, us-east-1c] }, \
               executor: { zones: [us-east-1a, us-east-1b, us-east-1c] } }\n",
        steps: &[
            "create association/private/us-east-1d",
            "create association/public/us-east-1d",
            "create route-table/private/us-east-1d",
            "create route/private/us-east-1d",
            "create subnet/private/us-east-1d",
            "create subnet/public/us-east-1d",
            "update endpoint/s3 route_tables: [rtb-~, rtb-~, rtb-~] → \
             [rtb-~, rtb-~, rtb-~, route-table/private/us-east-1d.id]",
        ],
    },
    Edit {
        what: "network.zones, back to its default",
        rest: "",
        steps: &[
            "delete association/private/us-east-1d",
            "delete association/public/us-east-1d",
            "delete route-table/private/us-east-1d",
            "delete route/private/us-east-1d",
            "delete subnet/private/us-east-1d",
            "delete subnet/public/us-east-1d",
            "update endpoint/s3 route_tables: [rtb-~, rtb-~, rtb-~, rtb-~] → [rtb-~, rtb-~, rtb-~]",
        ],
    },
    Edit { what: "protect", rest: "protect: true\n", steps: &[] },
    Edit { what: "protect, back to its default", rest: "", steps: &[] },
    // EKS takes no key off a cluster again.
    Edit {
        what: "kubernetes.secretsKey",
        rest: "kubernetes: { secretsKey: own }\n",
        steps: &[
            "create key",
            "create key-alias",
            "create role-policy/cluster",
            "update cluster secrets_key: null → key.arn",
        ],
    },
];
