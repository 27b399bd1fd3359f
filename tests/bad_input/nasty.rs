//! Files made to hurt: broken YAML, endless ones, and values that contradict each other.
use crate::program::Program;

const SHORT: &str = "name: acme-prod\nprovider: eks\nregion: us-east-1\nprofile: qualytics\n";

fn with(more: &str) -> String {
    format!("{SHORT}{more}")
}

/// An alias bomb: each line holds the one before it twice.
fn bomb() -> String {
    let line = |n: usize| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1);
    "a0: &a0 [x]\n".to_owned() + &(1..40).map(line).collect::<String>()
}

/// Refuses each file, and wants that code at that line among the problems.
fn refuses(table: &[(&str, Vec<u8>, &str, usize)]) {
    let mut program = Program::new();
    for (what, file, code, line) in table {
        let problems = program.refuses(file);
        let is_there = problems.iter().any(|it| it.code == *code && it.line == *line);
        assert!(is_there, "{what}: {code} at line {line} is not among {problems:#?}");
    }
}

#[test]
fn what_is_no_small_text_file_is_refused() {
    refuses(&[
        ("empty", vec![], "file.empty", 1),
        ("blank", b"\n\n  \n".to_vec(), "file.empty", 1),
        ("a comment", b"# nothing\n".to_vec(), "file.empty", 1),
        ("several documents", with("---\nname: b\n").into(), "file.documents", 5),
        ("the end of a document and more", with("...\nname: b\n").into(), "file.documents", 6),
        ("NUL", with("tags: { a: \0 }\n").into(), "file.control-character", 5),
        ("binary", (0..=255).collect(), "file.encoding", 3),
        (
            "UTF-16",
            "name: a\n".encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "file.control-character",
            1,
        ),
        ("a tab", with("network:\n\tzones: 3\n").into(), "file.tab", 6),
        ("a tab after spaces", with("network:\n  \tzones: 3\n").into(), "file.tab", 6),
        ("10 MB of nothing", vec![b' '; 10 << 20], "file.too-large", 1),
        ("10 MB of fields", "a: b\n".repeat(2 << 20).into(), "file.too-large", 1),
        ("many values", "- a\n".repeat(200_000).into(), "file.too-large", 100_001),
        ("a crowd", format!("{{{}}}", "a, ".repeat(300_000)).into(), "file.too-large", 1),
    ]);
}

#[test]
fn every_line_with_a_tab_or_a_control_character_is_told_at_once() {
    let file = with("network:\n\tzones: 3\npools:\n  app:\n\t\tmin: 1\ntags: { a: \u{1} }\n");
    let problems = Program::new().refuses(file.as_bytes());
    let told: Vec<_> = problems.iter().map(|it| (it.line, it.code.as_str())).collect();
    assert_eq!(told, [(6, "file.tab"), (9, "file.tab"), (10, "file.control-character")]);
}

#[test]
fn what_yaml_has_beyond_values_is_refused() {
    refuses(&[
        ("an alias bomb", bomb().into(), "file.unsupported-yaml", 1),
        ("an alias of nothing", with("tags: *a\n").into(), "file.unsupported-yaml", 5),
        ("a merge key", with("tags: { <<: {} }\n").into(), "file.unsupported-yaml", 5),
        ("a tag", with("protect: !!bool true\n").into(), "file.unsupported-yaml", 5),
        ("20 000 lists", with(&format!("tags: {}", "[".repeat(20_000))).into(), "file.too-deep", 5),
        (
            "20 000 maps",
            with(&format!("tags: {}", "{a: ".repeat(20_000))).into(),
            "file.too-deep",
            5,
        ),
        ("20 000 items", "- ".repeat(20_000).into(), "file.too-deep", 1),
        ("20 000 keys", "? ".repeat(20_000).into(), "file.syntax", 1),
        ("an open quote", with("tags: { a: \"b }\n").into(), "file.syntax", 5),
        ("an open bracket", with("tags: { a: b\n").into(), "file.syntax", 6),
        ("two values", with("tags: a: b\n").into(), "file.syntax", 5),
        ("indentation", with("network:\n    nat: single\n  zones: 3\n").into(), "file.syntax", 7),
        ("an endless name", format!("{}: 1\n", "k".repeat(500_000)).into(), "file.syntax", 1),
        ("a list", b"- name: acme\n".to_vec(), "file.wrong-type", 1),
        ("text", b"acme\n".to_vec(), "file.wrong-type", 1),
    ]);
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    let allow = "kubernetes:\n  api:\n    allow:\n      - 203.0.113.0/24\n      - ";
    let zones = "network: { zones: [us-east-1a, us-east-1b] }\n";
    let pool = |name: &str| format!("pools:\n  {name}: {{ machine: m5.large, max: 1 }}\n");
    refuses(&[
        (
            "a network inside another",
            with(&format!("{allow}203.0.113.128/25\n")).into(),
            "file.conflict",
            9,
        ),
        (
            "a network twice",
            with(&format!("{allow}203.0.113.0/24\n")).into(),
            "file.duplicate-item",
            9,
        ),
        ("host bits", with("network:\n  cidr: 10.0.0.1/16\n").into(), "file.invalid-value", 6),
        (
            "a public network",
            with("network:\n  cidr: 8.8.0.0/16\n").into(),
            "file.invalid-value",
            6,
        ),
        (
            "half a private network",
            with("network:\n  cidr: 172.16.0.0/11\n").into(),
            "file.invalid-value",
            6,
        ),
        (
            "a narrow network",
            with("network:\n  cidr: 10.0.0.0/24\n").into(),
            "file.invalid-value",
            6,
        ),
        ("one zone", with("network:\n  zones: 1\n").into(), "file.out-of-range", 6),
        ("seven zones", with("network:\n  zones: 7\n").into(), "file.out-of-range", 6),
        (
            "one named zone",
            with("network:\n  zones: [us-east-1a]\n").into(),
            "file.out-of-range",
            6,
        ),
        (
            "a zone twice",
            with("network:\n  zones: [us-east-1a, us-east-1a]\n").into(),
            "file.duplicate-item",
            6,
        ),
        (
            "a zone of another region",
            with("network:\n  zones: [us-east-1a, eu-west-1a]\n").into(),
            "file.invalid-value",
            6,
        ),
        (
            "a pool elsewhere",
            with(&format!("{zones}pools:\n  app: {{ zones: [us-east-1c] }}\n")).into(),
            "file.conflict",
            7,
        ),
        ("min above max", with("pools:\n  app: { min: 3, max: 2 }\n").into(), "file.conflict", 6),
        (
            "an over-long name",
            SHORT.replace("acme-prod", &"a".repeat(21)).into(),
            "file.invalid-value",
            1,
        ),
        (
            "a name without end",
            SHORT.replace("acme-prod", &"a".repeat(900_000)).into(),
            "file.invalid-value",
            1,
        ),
        ("an over-long pool", with(&pool(&"p".repeat(21))).into(), "file.invalid-value", 6),
        ("tags in two cases", with("tags:\n  team: a\n  Team: b\n").into(), "file.conflict", 7),
        ("the section of another cloud", with("gke: { project: a }\n").into(), "file.conflict", 5),
    ]);
}

#[test]
fn a_literal_secret_is_refused_and_never_shown() {
    let mut program = Program::new();
    for more in [
        "secrets:\n  registryToken: hunter2\n",
        "secrets:\n  registryToken: { value: hunter2 }\n",
        "secrets: [hunter2]\n",
        "registryToken: hunter2\n",
        "secrets: { registryToken: \"hunter2\n",
    ] {
        for form in [&["validate"][..], &["validate", "--json"], &["plan", "-vv"]] {
            let ran = program.run(with(more).as_bytes(), form);
            assert_eq!(ran.code, 65, "{more}{}", ran.stderr);
            let shown = ran.stdout + &ran.stderr;
            assert!(!shown.contains("hunter2"), "{more}{shown}");
        }
    }
}
