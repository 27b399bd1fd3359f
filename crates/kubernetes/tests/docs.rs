//! The documentation says what is checked.
use provision_kubernetes::verify::{CHECKS, Check};
use std::fs;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference.md");
const MARK: &str = "<!-- checks: accepted with INSTA_UPDATE=always -->\n";

#[test]
fn the_table_of_checks_is_complete() {
    let page = fs::read_to_string(PAGE).expect("the page is there");
    let (before, rest) = page.split_once(MARK).expect("the table begins");
    let (table, after) = rest.split_once("<!-- end -->").expect("the table ends");
    let row = |check: &Check| format!("| `{}` | {} | {} |\n", check.id, check.what, check.remedy);
    let rows: String = CHECKS.iter().map(row).collect();
    let wanted = format!("| check | passes when | what to do |\n|---|---|---|\n{rows}");
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        let page = format!("{before}{MARK}{wanted}<!-- end -->{after}");
        fs::write(PAGE, page).expect("the page can be written");
    } else {
        assert_eq!(table, wanted, "accept the table with INSTA_UPDATE=always");
    }
}
