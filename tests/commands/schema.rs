//! The JSON Schema against the reader: from each field of the schema a valid file and every mistake
//! that the schema knows, and both must say the same.
use super::fields::{Schema, is, with};
use super::run;
use jsonschema::Validator;
use provision_spec::{ClusterSpec, Problem, Problems, Provider, read_with};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Tells what the schema leaves to the reader: fields that contradict each other.
fn is_between_fields(problem: &Problem) -> bool {
    problem.code == "file.conflict" || problem.message.contains("must be a zone of region")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(text: &str) -> Result<(), Problems> {
    let section = |spec: &ClusterSpec, section: &provision_spec::Field<'_>| {
        provision_eks::Eks.check_section(spec, section);
    };
    read_with("a.yaml", text.as_bytes(), section).map(|_| ())
}

/// The schema, and the reader beside it.
struct Both {
    validator: Validator,
    checked: usize,
}

impl Both {
    fn new() -> Self {
        let schema = provision_spec::schema();
        let validator = jsonschema::draft202012::new(&schema).expect("a sound schema");
        Self { validator, checked: 0 }
    }

    /// Checks that both refuse a file, or both accept it but for what is between fields.
    fn agree(&mut self, file: &Value) -> bool {
        self.checked += 1;
        let accepted = self.validator.is_valid(file);
        let problems: Vec<_> = read(&file.to_string()).err().into_iter().flatten().collect();
        let agrees = match accepted {
            true => problems.iter().all(is_between_fields),
            false => !problems.is_empty(),
        };
        let said: Vec<_> = self.validator.iter_errors(file).map(|e| e.to_string()).collect();
        assert!(agrees, "{file:#}\nschema: {said:?}\nreader: {problems:?}");
        accepted
    }

    fn refuse(&mut self, file: &Value) {
        assert!(!self.agree(file), "both accept {file:#}");
    }
}

/// Makes values that differ from each other and are as good as the first.
fn variations(first: &Value, count: u64) -> Value {
    let vary = |n: u64| match first {
        Value::Object(fields) => {
            let mut names = ["key", "name", "principal"].into_iter();
            let name = names.find(|name| fields.contains_key(*name)).expect("a name");
            let text = first[name].as_str().expect("text");
            with(first, &format!("/{name}"), json!(format!("{text}{n}")))
        }
        Value::String(text) if text.contains('/') => {
            json!(format!("10.{}.{}.0/24", n / 250, n % 250))
        }
        Value::String(text) => json!(format!("{text}{n}")),
        other => panic!("no variations of {other}"),
    };
    (0..count).map(vary).collect()
}

#[test]
fn reader_and_schema_agree_on_every_field() {
    let mut both = Both::new();
    let schema = Schema::new();
    let file = schema.file();
    assert!(both.agree(&file), "the example is not valid: {file:#}");
    let sites = schema.sites(&file);
    assert!(sites.len() > 100, "only {} places", sites.len());
    for (at, schema) in &sites {
        let here = file.pointer(at).expect("a place in the file");
        types(&mut both, &file, at, schema);
        words_and_numbers(&mut both, &file, at, schema);
        match here {
            Value::Object(fields) => names(&mut both, &file, at, schema, fields),
            Value::Array(items) => lists(&mut both, &file, at, schema, items.first()),
            _ => {}
        }
        let said = schema["examples"].as_array().into_iter().flatten();
        for value in said.chain(schema.get("default")) {
            let accepted = both.agree(&with(&file, at, value.clone()));
            let repeats = at.ends_with(|c: char| c.is_ascii_digit());
            assert!(accepted || repeats, "{at}: {value}");
        }
    }
    assert!(both.checked > 1000, "only {} files", both.checked);
}

fn types(both: &mut Both, file: &Value, at: &str, schema: &Value) {
    both.refuse(&with(file, at, Value::Null));
    if !is(schema, "object") {
        both.refuse(&with(file, at, json!({ "x": {} })));
    }
    if !is(schema, "array") {
        both.refuse(&with(file, at, json!([{ "x": [] }])));
    }
    if is(schema, "object") || schema["type"] == "array" {
        both.refuse(&with(file, at, json!("x")));
        both.refuse(&with(file, at, json!(7)));
    }
    if schema["type"] == "boolean" || schema["type"] == "integer" {
        both.refuse(&with(file, at, json!("true")));
        both.refuse(&with(file, at, json!("3")));
        both.refuse(&with(file, at, json!(3.5)));
    }
}

fn words_and_numbers(both: &mut Both, file: &Value, at: &str, schema: &Value) {
    if schema.get("enum").is_some() || schema.get("const").is_some() {
        both.refuse(&with(file, at, json!("nope")));
        both.refuse(&with(file, at, json!(true)));
    }
    for word in schema["enum"].as_array().into_iter().flatten() {
        both.agree(&with(file, at, word.clone()));
    }
    for (bound, beyond) in [("minimum", -1), ("maximum", 1)] {
        if let Some(number) = schema[bound].as_i64() {
            assert!(both.agree(&with(file, at, json!(number))), "{at}: {number}");
            both.refuse(&with(file, at, json!(number + beyond)));
        }
    }
    if is(schema, "string") {
        both.refuse(&with(file, at, json!(" no!\"")));
        for length in [0, 1, 20, 21, 40, 41, 60, 61, 63, 64, 128, 129, 256, 257, 2049] {
            both.agree(&with(file, at, json!("a".repeat(length))));
        }
    }
}

fn names(both: &mut Both, file: &Value, at: &str, schema: &Value, fields: &Map<String, Value>) {
    let of = |fields: Map<String, Value>| with(file, at, fields.into());
    for name in fields.keys() {
        let mut renamed = fields.clone();
        let value = renamed.remove(name).expect("a field");
        let is_required = schema["required"].as_array().is_some_and(|r| r.contains(&json!(name)));
        let left_out = of(renamed.clone());
        if is_required {
            both.refuse(&left_out);
        } else {
            both.agree(&left_out);
        }
        renamed.insert(format!("{name}x"), value);
        if schema["additionalProperties"] == false {
            both.refuse(&of(renamed));
        } else {
            both.agree(&of(renamed));
        }
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        if inner["not"] == json!({}) {
            for value in [json!("x"), json!({ "env": "X" }), json!([])] {
                let mut fields = fields.clone();
                fields.insert(name.clone(), value);
                both.refuse(&of(fields));
            }
        }
    }
    if let Some(most) = schema["maxProperties"].as_u64() {
        let many = |count| (0..count).map(|n| (format!("k{n}"), json!("v"))).collect();
        assert!(both.agree(&of(many(most))));
        both.refuse(&of(many(most + 1)));
    }
}

fn lists(both: &mut Both, file: &Value, at: &str, schema: &Value, first: Option<&Value>) {
    let most = schema["maxItems"].as_u64().expect("every list has a bound");
    let Some(first) = first else {
        return both.refuse(&with(file, at, json!(["x"])));
    };
    both.refuse(&with(file, at, variations(first, most + 1)));
    assert!(both.agree(&with(file, at, variations(first, most))), "{at}: {most} items");
    both.refuse(&with(file, at, json!([first, first])));
    let least = schema["minItems"].as_u64().unwrap_or_default();
    assert!(both.agree(&with(file, at, variations(first, least))), "{at}: {least} items");
    if least > 0 {
        both.refuse(&with(file, at, variations(first, least - 1)));
    }
}

/// Puts a value into a short file, at a path of names.
fn short(path: &[&str], value: &Value) -> Value {
    let mut file = json!({
        "name": "acme-prod", "provider": "eks", "region": "us-east-1", "profile": "qualytics",
    });
    let mut at = &mut file;
    for name in path {
        if at.is_null() {
            *at = json!({});
        }
        at = &mut at[*name];
    }
    *at = value.clone();
    file
}

/// Puts each value there, and wants the same from both.
fn agree_on_each(path: &[&str], values: Value) {
    let mut both = Both::new();
    for value in values.as_array().expect("a list") {
        let file = short(path, value);
        let accepted = both.agree(&file);
        assert_eq!(accepted, read(&file.to_string()).is_ok(), "{file:#}");
    }
}

#[test]
fn reader_and_schema_agree_on_hard_values() {
    agree_on_each(
        &["name"],
        json!(["a", "a1-2b", "", "Acme_Prod", "a--b", "-a", "a-", "1a", "é", "a\n"]),
    );
    let regions =
        json!(["us-gov-west-1", "us-isob-east-1", "us-east-1a", "us-east", "useast1", "eu-west1"]);
    agree_on_each(&["region"], regions);
    let versions = json!([
        "1.30", "1.9", 1.35, 1, 2.1, "1", "1.", "1.3x", "2.1", "1.035", "1.30.2", "v1.30", "1.9999"
    ]);
    agree_on_each(&["kubernetes", "version"], versions);
    let keys = json!([
        "manged",
        "key",
        "arn:aws:kms:us-east-1:1:key/1-2",
        "projects/x",
        "a b:c",
        "a`:",
        "a\":",
        ":é"
    ]);
    agree_on_each(&["kubernetes", "secretsKey"], keys);
    let allow = json!([
        ["10.0.0.0/8", "192.0.2.0/24"],
        ["2001:db8::/32"],
        ["::1/128"],
        ["10.0.0.0"],
        ["10.0.0.0/33"],
        ["x"],
        [],
        ["2001:db8::/129"],
        "10.0.0.0/8",
    ]);
    agree_on_each(&["kubernetes", "api", "allow"], allow);
    let cidrs = json!([
        "172.31.0.0/17",
        "192.168.0.0/20",
        "100.64.0.0/16",
        "100.127.0.0/16",
        "10.255.0.0/16",
        "10.0.0.0/8",
        "10.0.0.0/24",
        "10.0.0.0",
        "fd00::/16",
        "8.8.0.0/16",
        "172.32.0.0/16",
        "172.15.0.0/16",
        "100.128.0.0/16",
        "100.63.0.0/16",
        "10.256.0.0/16",
        "192.169.0.0/16",
    ]);
    agree_on_each(&["network", "cidr"], cidrs);
    agree_on_each(
        &["network", "zones"],
        json!([1, 2, 7, "3", 2.5, "us-east-1a", ["us-east-1a"], [""]]),
    );
    agree_on_each(
        &["eks", "account"],
        json!(["000000000012", 123_456_789_012_u64, 12, "12", "12345678901x"]),
    );
    agree_on_each(
        &["eks", "permissionsBoundary"],
        json!([
            "arn:aws:iam::aws:policy/PowerUserAccess",
            "arn:aws:iam::123456789012:policy/team/boundary",
            "arn:aws-:iam::123456789012:policy/x",
            "arn:azure:iam::123456789012:policy/x",
            "arn:aws:iam::12345678901:policy/x",
            "arn:aws:iam::123456789012:role/x",
            "arn:aws:iam::123456789012:policy/",
            "arn:aws:iam::123456789012:policy/x/",
            "arn:aws:iam::123456789012:policy/a b",
            "boundary",
        ]),
    );
    let arn = "arn:aws:iam::123456789012:role/team/x";
    agree_on_each(
        &["eks", "assumeRole"],
        json!([
            { "arn": arn },
            { "arn": arn, "externalId": "a/b:c@d" },
            { "arn": arn, "externalId": "a" },
            { "arn": arn, "externalId": "a b" },
            { "arn": arn, "externalId": "é1" },
            { "externalId": "ab" },
            { "arn": "arn:aws:iam::aws:role/x" },
            { "arn": "arn:aws:sts::123456789012:assumed-role/x/y" },
            arn,
            {},
        ]),
    );
}

#[test]
fn reader_and_schema_agree_on_hard_pools() {
    let machines = json!(["VM.Standard.E5.Flex:4:32", "", "a b", [], ["a", "a"], ["a", "b"], [""]]);
    agree_on_each(&["pools", "app", "machine"], machines);
    let pool = json!({ "machine": "m5.large", "max": 2 });
    agree_on_each(&["pools", "gpu"], json!([pool, {}, { "machine": "m5.large" }, { "max": 2 }]));
    agree_on_each(&["pools", "app"], json!([{}, null, { "capacity": "spot" }]));
    agree_on_each(&["pools", "executor"], json!([{}, { "capacity": "spot" }]));
    agree_on_each(
        &["pools"],
        json!([{}, { "App": {} }, { "a-much-too-long-name-for-this": pool }]),
    );
    let mut both = Both::new();
    let mut none = short(&["profile"], &json!("none"));
    none["pools"] = json!({ "app": { "capacity": "spot" } });
    both.refuse(&none);
    none["pools"]["app"] = json!({ "capacity": "spot", "machine": "m5.large", "max": 2 });
    assert!(both.agree(&none));
}

#[test]
fn reader_and_schema_agree_on_keys_and_values() {
    let mut both = Both::new();
    let long = "a".repeat(64);
    let keys = [
        "a",
        "appNodes",
        "acme.com/app_1.x",
        "x-kubernetes.io/y",
        "a-domain-of-fifty-two-characters-and-no-more.acme.com/abcdefghi",
        "a-domain-of-fifty-two-characters-and-no-more.acme.com/abcdefghij",
        "",
        "-a",
        "a-",
        "a b",
        "a/b/c",
        "/a",
        "a/",
        "A.com/a",
        "a..b/c",
        "é",
        &long,
        "kubernetes.io/os",
        "node.kubernetes.io/x",
        "k8s.io/x",
        "eks.amazonaws.com/nodegroup",
        "my-eks.amazonaws.com/x",
        "kubernetes.io",
    ];
    for key in keys {
        both.agree(&short(&["pools", "app", "labels"], &json!({ key: "v" })));
        both.agree(&short(
            &["pools", "app", "taints"],
            &json!([{ "key": key, "effect": "NoExecute" }]),
        ));
    }
    for value in ["", "a b", "a", "-a", "a_1.b-c", &long, "é"] {
        both.agree(&short(&["pools", "app", "labels"], &json!({ "k": value })));
        both.agree(&short(&["tags"], &json!({ "k": value })));
    }
    let keys = [
        "team",
        "cost center",
        "acme:team/x@y+z=1",
        "Équipe",
        "aws:x",
        "AWS:x",
        "provision-lineage",
        "Provision-x",
        "provision",
        " a",
        "a ",
        "a#",
        "日本",
        "٣",
        "",
    ];
    for key in keys {
        both.agree(&short(&["tags"], &json!({ key: "v" })));
    }
    for value in [json!(true), json!(17), json!(1.5), Value::Null, json!([]), json!({})] {
        both.agree(&short(&["pools", "app", "labels"], &json!({ "k": value })));
        both.agree(&short(&["tags"], &json!({ "k": value })));
    }
}

#[test]
fn the_committed_schema_is_the_one_that_is_printed() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (code, printed, stderr) = run(&folder, &["schema"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let committed = fs::read_to_string(root().join("docs/provision.schema.json"));
    let command = "run `provision schema > docs/provision.schema.json`";
    assert!(committed.is_ok_and(|committed| committed == printed), "{command}");
    assert!(jsonschema::meta::is_valid(&provision_spec::schema()));
}

#[test]
fn every_ready_file_names_its_schema_and_keeps_to_it() {
    let both = Both::new();
    let keeps = |name: &str, text: &str| {
        read(text).unwrap_or_else(|problems| panic!("{name}\n{problems}"));
        let errors =
            both.validator.iter_errors(&yaml(text)).map(|e| e.to_string()).collect::<Vec<_>>();
        assert!(errors.is_empty(), "{name}: {errors:?}\n{text}");
    };
    for entry in fs::read_dir(root().join("plans")).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let text = fs::read_to_string(&path).expect("it can be read");
        let name = path.display().to_string();
        keeps(&name, &text);
        let spec = provision_spec::read(&name, text.as_bytes()).expect("a ready file is valid");
        keeps(&name, &spec.resolved());
        let schema = text.lines().next().and_then(|line| line.split_once("$schema="));
        let schema = schema.map(|(_, schema)| path.with_file_name(schema)).expect("it names one");
        let schema = schema.canonicalize().expect("the schema is there");
        assert!(schema.ends_with("docs/provision.schema.json"), "{}", schema.display());
    }
    let full = fs::read_to_string(root().join("tests/commands/full.yaml")).expect("it is there");
    keeps("full.yaml", &full);
    let spec = provision_spec::read("full.yaml", full.as_bytes()).expect("it is valid");
    keeps("full.yaml", &spec.resolved());
}

/// Reads YAML as editors do: what has no quotes may be a number, true, false or null.
fn yaml(text: &str) -> Value {
    let mut events = Parser::new_from_str(text).map(|event| event.expect("sound YAML").0);
    loop {
        let event = events.next().expect("a value");
        if !matches!(event, Event::StreamStart | Event::DocumentStart(_)) {
            return value(event, &mut events).expect("a value");
        }
    }
}

fn value<'a>(event: Event<'a>, events: &mut dyn Iterator<Item = Event<'a>>) -> Option<Value> {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) => Some(match &*text {
            "" | "~" | "null" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        }),
        Event::Scalar(text, ..) => Some(text.as_ref().into()),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            while let Some(item) = events.next().and_then(|event| value(event, events)) {
                items.push(item);
            }
            Some(items.into())
        }
        Event::MappingStart(..) => {
            let mut fields = Map::new();
            while let Some(Event::Scalar(name, ..)) = events.next() {
                let event = events.next().expect("a field has a value");
                fields.insert(name.into_owned(), value(event, events).expect("a value"));
            }
            Some(fields.into())
        }
        _ => None,
    }
}
