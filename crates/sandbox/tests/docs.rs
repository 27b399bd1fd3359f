//! The documentation says what the sandbox does.
use provision_sandbox::{Behaviour, behaviours};
use std::fs;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sandbox.md");

/// Writes a duration in the largest unit of which it has two or more, and no part is left.
fn time(seconds: u64) -> String {
    let units = [(86_400, "days"), (3_600, "h"), (60, "min"), (1, "s")];
    let fits = |(length, _): &(u64, _)| seconds >= 2 * length && seconds.is_multiple_of(*length);
    match units.into_iter().find(fits) {
        Some((length, unit)) => format!("{} {unit}", seconds / length),
        None if seconds == 0 => String::new(),
        None => format!("{seconds} s"),
    }
}

fn row(behaviour: &Behaviour) -> String {
    let Behaviour { service, what, seconds, source } = behaviour;
    let time = time(*seconds);
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

#[test]
fn no_part_of_a_duration_is_lost() {
    let told = [0, 1, 60, 120, 210, 3_600, 7_200, 90_000, 172_800].map(time);
    assert_eq!(told, ["", "1 s", "60 s", "2 min", "210 s", "60 min", "2 h", "25 h", "2 days"]);
}
