//! The documentation says what the sandbox does.
use provision_sandbox::{Behaviour, behaviours};
use std::fs;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sandbox.md");

fn row(behaviour: &Behaviour) -> String {
    let Behaviour { service, what, seconds, source } = behaviour;
    let time = match seconds {
        0 => String::new(),
        1..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    format!("| {service} | {what} | {time} | {source} |\n")
}

#[test]
fn the_table_of_behaviours_is_complete() {
    let page = fs::read_to_string(PAGE).expect("the page is there");
    let (before, rest) = page.split_once("INSTA_UPDATE=always -->\n").expect("the table begins");
    let (table, after) = rest.split_once("<!-- end -->").expect("the table ends");
    let rows: String = behaviours().map(row).collect();
    let wanted = format!("| service | what | takes | source |\n|---|---|---|---|\n{rows}");
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        let mark = "INSTA_UPDATE=always -->\n";
        let page = format!("{before}{mark}{wanted}<!-- end -->{after}");
        fs::write(PAGE, page).expect("the page can be written");
    } else {
        assert_eq!(table, wanted, "accept the table with INSTA_UPDATE=always");
    }
}

#[test]
fn every_behaviour_has_a_source() {
    for behaviour in behaviours() {
        assert!(!behaviour.source.is_empty() && !behaviour.what.contains('|'), "{behaviour:?}");
    }
}
