use super::*;

fn way(name: &str) -> Way {
    Way {
        name: name.into(),
        server: "https://127.0.0.1:1/acme".into(),
        authority: "LQ==".into(),
        user: User::Program {
            arguments: ["token", "--cluster", "acme"].map(String::from).into(),
            environment: vec![("AWS_PROFILE".into(), "data".into())],
        },
    }
}

#[test]
fn a_file_of_nobody_else_is_told_from_others() {
    let way = Way { user: User::Bearer("one".into()), ..way("acme.support") };
    let text = way.alone();
    assert!(text.contains("    token: one\n") && !text.contains("exec"), "{text}");
    let next = Way { user: User::Bearer("another".into()), ..way.clone() };
    assert!(next.is_all_of(&text));
    assert!(!way.is_all_of(OURS) && !way.is_all_of("a: [") && !way.is_all_of(""));
}

#[test]
fn a_file_of_its_own_is_whole() {
    insta::assert_snapshot!(way("acme.us-east-1.eks").alone());
}

/// A file as people have them: comments, other contexts, and entries in other orders.
const OURS: &str = "\
# mine
apiVersion: v1
clusters:
# the old one
- cluster:
    server: https://old   # by hand
    certificate-authority-data: LQ==
  name: old

# a test one
-
  name: acme
  cluster: { server: https://before }
contexts:
  - name: old
    context: {cluster: old, user: old, namespace: x}
  # between
current-context: old # where I am
kind: Config
preferences: {}
users:
- name: old
  user:
    exec:
      command: aws
      installHint: |
        # not a comment
        install it
";

#[test]
fn only_our_own_lines_change_in_a_file_of_somebody_else() {
    let merged = way("acme").merged(OURS).unwrap();
    insta::assert_snapshot!(merged);
    assert_eq!(way("acme").merged(&merged).unwrap(), merged, "the second time changes nothing");
    let more = way("other").merged(&merged).unwrap();
    let kept = merged.lines().filter(|line| !line.starts_with(CURRENT));
    let mut lines = more.lines();
    assert!(kept.into_iter().all(|line| lines.any(|it| it == line)), "{more}");
}

#[test]
fn files_without_entries_get_them() {
    for text in [
        "",
        "\n",
        "apiVersion: v1\nkind: Config",
        "apiVersion: v1\nclusters: null\ncontexts: []  # none\nusers: ~\nkind: Config\n",
        "clusters:\ncontexts:\nusers:\ncurrent-context: \"\"\n",
        "clusters:\n- name: a\n  cluster: {}",
    ] {
        let merged = way("acme").merged(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        let root = tree::read("kubeconfig", merged.as_bytes()).unwrap();
        assert!(way("acme").is_in(&root), "{merged}");
        assert_eq!(way("acme").merged(&merged).unwrap(), merged);
        assert_eq!(text.contains("# none"), merged.contains("# none"), "{merged}");
    }
}

#[test]
fn json_stays_json() {
    let text = "{\"kind\":\"Config\",\"users\":[{\"name\":\"acme\"},{\"name\":\"b\"}],\"x\":1}";
    let merged = way("acme").merged(text).unwrap();
    let root: serde_json::Value = serde_json::from_str(&merged).unwrap();
    assert_eq!((&root["x"], &root["users"][0]["name"]), (&json!(1), &json!("b")));
    assert_eq!(root["users"][1]["user"]["exec"]["provideClusterInfo"], false);
    assert_eq!(way("acme").merged(&merged).unwrap(), merged);
}

#[test]
fn what_cannot_be_changed_safely_is_left_alone() {
    for text in [
        "- a\n",
        "a: &x 1\nb: *x\n",
        "clusters: [{ name: a }]\n",
        "clusters: { a: b }\n",
        "current-context: [a]\n",
        "a: 1\na: 2\n",
        "clusters: |\n  text\n",
        "{ not: json }",
    ] {
        assert!(way("acme").merged(text).is_err(), "{text}");
    }
}
