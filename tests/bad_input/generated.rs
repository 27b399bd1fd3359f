//! One mistake of each class for each field of the schema, and all of them at once: a new field
//! enters by itself.
use crate::fields::{Schema, is, with};
use crate::page::Page;
use crate::program::{Problem, Program};
use serde_json::{Map, Value, json};

/// A file with every field that is valid, and what the schema says of each.
struct Fields {
    file: Value,
    sites: Vec<(String, Value)>,
}

impl Fields {
    fn new() -> Self {
        let schema = Schema::new();
        let file = schema.file();
        let sites = schema.sites(&file);
        assert!(sites.len() > 100, "only {} places", sites.len());
        Self { file, sites }
    }

    /// Lists the fields that have a name, with the pointer and the fields of what they are in.
    fn named(&self) -> impl Iterator<Item = (&str, &str, &Map<String, Value>)> {
        self.sites.iter().filter_map(|(at, _)| {
            let (outer, _) = at.rsplit_once('/')?;
            Some((at.as_str(), outer, self.file.pointer(outer)?.as_object()?))
        })
    }
}

fn has(problems: &[Problem], line: usize, code: &str) -> bool {
    problems.iter().any(|problem| problem.line == line && problem.code == code)
}

#[test]
fn the_file_with_every_field_is_valid() {
    let text = Page::new(&Fields::new().file).text();
    let ran = Program::new().run(text.as_bytes(), &["validate"]);
    assert_eq!(ran.code, 0, "{}\n{text}", ran.stderr);
}

#[test]
fn a_value_of_another_type_or_out_of_range_is_refused_where_it_stands() {
    let (fields, mut program) = (Fields::new(), Program::new());
    let mut tried = 0;
    for (at, schema) in fields.sites.iter().filter(|(at, _)| !at.is_empty()) {
        let here = fields.file.pointer(at).expect("a place in the file");
        for wrong in types(schema).into_iter().chain(ranges(schema, here)) {
            let page = Page::new(&with(&fields.file, at, wrong.clone()));
            println!("{at}: {wrong}");
            let problems = program.refuses(page.text().as_bytes());
            let (first, last) = (page.places[at], page.last(at));
            let is_there = |problem: &Problem| (first..=last).contains(&problem.line);
            assert!(problems.iter().any(is_there), "{at}: {wrong}: {problems:?}\n{}", page.text());
            tried += 1;
        }
    }
    assert!(tried > 300, "only {tried} files");
}

/// Makes values of every type that a field does not take.
fn types(schema: &Value) -> Vec<Value> {
    let mut wrong = vec![Value::Null];
    if !is(schema, "object") {
        wrong.push(json!({ "x": "y" }));
    }
    if !is(schema, "array") {
        wrong.push(json!([{ "x": "y" }]));
    }
    let takes_text = is(schema, "string") || schema["type"].is_null();
    if !takes_text && (schema["type"] != "array" || schema["maxItems"] == 0) {
        wrong.push(json!("x"));
    }
    wrong
}

/// Makes values just beyond what a field takes.
fn ranges(schema: &Value, here: &Value) -> Vec<Value> {
    let mut wrong = Vec::new();
    let number = |bound: &str| schema[bound].as_i64();
    wrong.extend(number("minimum").map(|least| json!(least - 1)));
    wrong.extend(number("maximum").map(|most| json!(most + 1)));
    if schema.get("enum").is_some() || schema.get("const").is_some() {
        wrong.extend([json!("nope"), json!(true)]);
    }
    if schema.get("pattern").is_some() {
        wrong.push(json!(" no!\""));
    }
    if let Some(most) = schema["maxLength"].as_u64() {
        wrong.push("a".repeat(usize::try_from(most).expect("a length") + 1).into());
    }
    if let (Some(most), Value::Array(items)) = (number("maxItems").filter(|most| *most > 0), here) {
        wrong.push((0..=most).map(|_| items[0].clone()).collect());
    }
    if number("minItems").is_some() {
        wrong.push(json!([]));
    }
    if let Some(most) = number("maxProperties") {
        wrong.push(Value::Object((0..=most).map(|n| (format!("k{n}"), json!("v"))).collect()));
    }
    wrong
}

#[test]
fn a_field_that_is_misspelt_given_twice_or_missing_is_named() {
    let (fields, mut program) = (Fields::new(), Program::new());
    let page = Page::new(&fields.file);
    let schema = |at: &str| &fields.sites.iter().find(|(it, _)| it == at).expect("a place").1;
    let mut counts = [0; 3];
    for (at, outer, siblings) in fields.named() {
        let name = at.rsplit('/').next().expect("a name").replace("~1", "/");
        let twice = page.twice(at);
        let problems = program.refuses(twice.text().as_bytes());
        assert!(has(&problems, twice.places[at], "file.duplicate-field"), "{at}: {problems:?}");
        counts[0] += 1;
        if schema(outer)["additionalProperties"] == false {
            let file = with(&fields.file, outer, renamed(siblings, &name, &misspelt(&name)));
            let problems = program.refuses(Page::new(&file).text().as_bytes());
            let unknown = problems.iter().find(|it| it.code == "file.unknown-field");
            let unknown = unknown.unwrap_or_else(|| panic!("{at}: {problems:?}"));
            assert_eq!(unknown.line, page.places[at], "{at}");
            assert_eq!(unknown.hint, Some(format!("did you mean `{name}`?")), "{at}");
            counts[1] += 1;
        }
        if schema(outer)["required"].as_array().is_some_and(|all| all.contains(&json!(name))) {
            let mut rest = siblings.clone();
            rest.shift_remove(&name);
            let file = with(&fields.file, outer, rest.into());
            let problems = program.refuses(Page::new(&file).text().as_bytes());
            let missing = problems.iter().find(|it| it.code == "file.missing-field");
            let missing = missing.unwrap_or_else(|| panic!("{at}: {problems:?}"));
            assert!(missing.message.contains(&name), "{missing:?}");
            counts[2] += 1;
        }
    }
    assert!(counts[0] > 90 && counts[1] > 60 && counts[2] > 8, "{counts:?}");
}

/// Misspells a name as fingers do: two letters change places, or one is missing.
fn misspelt(name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    match (1..letters.len()).find(|at| letters[*at] != letters[at - 1] && *at > 1) {
        Some(at) => letters.swap(at - 1, at),
        None => letters.push('x'),
    }
    letters.into_iter().collect()
}

fn renamed(fields: &Map<String, Value>, from: &str, to: &str) -> Value {
    let renamed = |(name, value): (&String, &Value)| {
        (if name == from { to.to_owned() } else { name.clone() }, value.clone())
    };
    Value::Object(fields.iter().map(renamed).collect())
}

#[test]
fn a_file_in_which_every_value_is_wrong_has_every_problem_told_at_once() {
    let (fields, mut program) = (Fields::new(), Program::new());
    let is_leaf = |at: &str| {
        let value = fields.file.pointer(at).expect("a place in the file");
        !value.is_object() && value.as_array().is_none_or(Vec::is_empty)
    };
    let leaves: Vec<_> = fields.sites.iter().map(|(at, _)| at).filter(|at| is_leaf(at)).collect();
    for leaves in leaves.chunks(60) {
        let wrong = |file, at: &&String| with(&file, at, json!({ "x": ["y"] }));
        let page = Page::new(&leaves.iter().fold(fields.file.clone(), wrong));
        let problems = program.refuses(page.text().as_bytes());
        let told = |at: &&&String| {
            let (first, last) = (page.places[**at], page.last(at));
            problems.iter().any(|problem| (first..=last).contains(&problem.line))
        };
        let silent: Vec<_> = leaves.iter().filter(|at| !told(at)).collect();
        assert!(silent.is_empty(), "{silent:?}: {problems:#?}\n{}", page.text());
        assert!(problems.is_sorted_by_key(|problem| (problem.line, problem.column)));
    }
}
