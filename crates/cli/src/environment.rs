//! The variables that the program reads.

/// Each with what it means, in Markdown, for the manual and the reference.
pub(crate) const VARIABLES: [(&str, &str); 15] = [
    ("`AWS_…`", "the vendor's own: profiles, credentials, `AWS_ENDPOINT_URL` and its kin"),
    (
        "`PROVISION_ENDPOINT_<EKS|EC2|IAM|STS|KMS|LOGS|ELB|ELBV2|AUTOSCALING>`",
        "where one service answers; plain http on this machine only",
    ),
    (
        "`HTTPS_PROXY`, else `ALL_PROXY`",
        "the proxy, `http://[user:password@]host[:port]`, also https; lowercase works too. An \
         `ALL_PROXY` of another kind is left alone, with a warning",
    ),
    (
        "`NO_PROXY`",
        "hosts, domains and networks that are reached without it, joined by commas; `*` is all of \
         them",
    ),
    ("`AWS_CA_BUNDLE`", "a PEM file of root certificates, trusted in place of the system's"),
    ("`SSL_CERT_FILE`, `SSL_CERT_DIR`", "where the system's root certificates are"),
    ("`PROVISION_LOG`", "a `tracing` filter, in place of `-v`, such as `provision_eks=debug`"),
    (
        "`PROVISION_SANDBOX_RECORD`",
        "a file behind which every call of the simulated AWS is written with its reply, a line of \
         JSON each",
    ),
    (
        "`PROVISION_SANDBOX_DAY`",
        "the day on which a new simulated world begins, as `2026-11-21`; today where it is not set",
    ),
    ("`PROVISION_TIME_SCALE`", "divides the engine's own waits, for tests"),
    (
        "`XDG_CACHE_HOME`, else `HOME`",
        "where tokens for `kubectl` are kept: `provision/tokens` in the first, or in `.cache` of \
         the other",
    ),
    ("`KUBERNETES_EXEC_INFO`", "which version of its protocol `kubectl` asks `token` for"),
    ("`NO_COLOR`", "no colours"),
    ("`COLUMNS`", "the width of pages"),
    ("`TERM`", "`dumb` is a terminal without colours and moving lines"),
];
