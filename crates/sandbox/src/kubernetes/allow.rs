//! What a caller may do: roles and their bindings, and the access policies of EKS.
use super::kind::Kind;
use super::objects::{self, Cluster, items, name, text};
use super::roles;
use super::who::User;
use crate::world::World;
use serde_json::Value;

/// What somebody wants to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Wish {
    pub(super) verb: String,
    pub(super) group: String,
    /// The resource, with its subresource after a slash.
    pub(super) resource: String,
    pub(super) namespace: String,
    pub(super) name: String,
    /// What is no resource; then nothing of the above but the verb is said.
    pub(super) path: String,
}

impl Wish {
    /// Says that it is not allowed, in the words of Kubernetes.
    pub(super) fn refusal(&self, user: &User) -> String {
        let (user, verb) = (&user.name, &self.verb);
        if !self.path.is_empty() {
            return format!("User {user:?} cannot {verb} path {:?}", self.path);
        }
        let place = match self.namespace.is_empty() {
            true => "at the cluster scope".to_owned(),
            false => format!("in the namespace {:?}", self.namespace),
        };
        format!(
            "User {user:?} cannot {verb} resource {:?} in API group {:?} {place}",
            self.resource, self.group
        )
    }

    fn is_in(&self, rule: &Value) -> bool {
        let has = |list: &str, wanted: &str| {
            items(rule, &format!("/{list}")).iter().any(|it| it == "*" || it == wanted)
        };
        if !has("verbs", &self.verb) {
            return false;
        }
        if !self.path.is_empty() {
            let fits = |it: &Value| {
                let it = it.as_str().unwrap_or_default();
                it == self.path || it.strip_suffix('*').is_some_and(|it| self.path.starts_with(it))
            };
            return items(rule, "/nonResourceURLs").iter().any(fits);
        }
        let names = items(rule, "/resourceNames");
        let sub = self.resource.split_once('/').map(|(_, sub)| format!("*/{sub}"));
        has("apiGroups", &self.group)
            && (has("resources", &self.resource) || sub.is_some_and(|sub| has("resources", &sub)))
            && (names.is_empty() || names.iter().any(|it| *it == self.name))
    }
}

/// Tells whether somebody may do something, and why.
pub(super) fn reason(world: &World, cluster: &Cluster, user: &User, wish: &Wish) -> Option<String> {
    if user.groups.iter().any(|group| group == "system:masters") {
        return Some(String::new());
    }
    for (policy, namespaces) in &user.policies {
        let is_here = namespaces.is_empty() || is_among(namespaces, &wish.namespace);
        if is_here && roles::rules(roles::of_policy(policy)).iter().any(|rule| wish.is_in(rule)) {
            return Some("EKS Access Policy: ".to_owned() + policy);
        }
    }
    bound(world, cluster, user, wish)
}

fn is_among(namespaces: &[String], namespace: &str) -> bool {
    let fits = |it: &String| match it.strip_suffix('*') {
        Some(stem) => namespace.starts_with(stem),
        None => it == namespace,
    };
    !namespace.is_empty() && namespaces.iter().any(fits)
}

/// Finds a binding that gives somebody a role that allows something.
fn bound(world: &World, cluster: &Cluster, user: &User, wish: &Wish) -> Option<String> {
    let everywhere = ("clusterrolebindings", None);
    let here = ("rolebindings", Some(wish.namespace.as_str()).filter(|it| !it.is_empty()));
    for (plural, namespace) in [everywhere, here] {
        if plural == "rolebindings" && namespace.is_none() {
            continue;
        }
        for binding in objects::all(world, cluster, Kind::named(plural), namespace) {
            let is_its = |subject: &&Value| is_subject(subject, user, &binding);
            let Some(subject) = items(&binding, "/subjects").iter().find(is_its) else { continue };
            let role = &binding["roleRef"];
            let kind = match text(role, "/kind") {
                "Role" => Kind::named("roles"),
                _ => Kind::named("clusterroles"),
            };
            let within = if kind.namespaced { namespace.unwrap_or_default() } else { "" };
            let role = objects::get(world, cluster, kind, within, text(role, "/name"));
            let Some(role) = role else { continue };
            if items(&role, "/rules").iter().any(|rule| wish.is_in(rule)) {
                return Some(format!(
                    "RBAC: allowed by {} {:?} of {} {:?} to {} {:?}",
                    text(&binding, "/kind"),
                    place(&binding),
                    kind.kind,
                    name(&role),
                    text(subject, "/kind"),
                    text(subject, "/name"),
                ));
            }
        }
    }
    None
}

fn place(binding: &Value) -> String {
    match text(binding, "/metadata/namespace") {
        "" => name(binding).to_owned(),
        namespace => format!("{}/{namespace}", name(binding)),
    }
}

fn is_subject(subject: &Value, user: &User, binding: &Value) -> bool {
    let its = text(subject, "/name");
    match text(subject, "/kind") {
        "User" => its == user.name,
        "Group" => user.groups.iter().any(|group| group == its),
        "ServiceAccount" => {
            let own = text(subject, "/namespace");
            let namespace = if own.is_empty() { text(binding, "/metadata/namespace") } else { own };
            user.name == format!("system:serviceaccount:{namespace}:{its}")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(verb: &str, group: &str, resource: &str) -> Wish {
        let [verb, group, resource] = [verb, group, resource].map(str::to_owned);
        Wish { verb, group, resource, namespace: "a".to_owned(), ..Wish::default() }
    }

    fn may(role: &str, wish: &Wish) -> bool {
        roles::rules(role).iter().any(|rule| wish.is_in(rule))
    }

    #[test]
    fn each_role_may_more_than_the_next() {
        let read = wish("list", "apps", "deployments");
        let write = wish("create", "", "secrets");
        let roles = wish("create", "rbac.authorization.k8s.io", "roles");
        let nodes = wish("delete", "", "nodes");
        for (role, wanted) in [
            ("view", [true, false, false, false]),
            ("edit", [true, true, false, false]),
            ("admin", [true, true, true, false]),
            ("cluster-admin", [true, true, true, true]),
        ] {
            assert_eq!(
                [&read, &write, &roles, &nodes].map(|wish| may(role, wish)),
                wanted,
                "{role}"
            );
        }
        assert!(!may("view", &wish("get", "", "secrets")), "nobody sees secrets who may only see");
    }

    #[test]
    fn what_is_refused_is_said_in_the_words_of_kubernetes() {
        let user = User { name: "ann".to_owned(), ..User::default() };
        let told = wish("list", "", "pods").refusal(&user);
        assert_eq!(
            told,
            "User \"ann\" cannot list resource \"pods\" in API group \"\" in the namespace \"a\""
        );
    }
}
