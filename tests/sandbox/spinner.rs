//! What a terminal shows while the cloud is only looked at.
use crate::folder::{FILE, Folder};
use crate::served::Served;
use crate::terminal::{on_terminal, rows};
use serde_json::json;

/// How many columns the terminal has.
const COLUMNS: u16 = 100;

#[test]
fn a_terminal_shows_what_takes_long_and_keeps_nothing_of_it() {
    // There what is slow takes four seconds.
    let served = Served::at("5");
    let folder = Folder::on(&served, FILE);
    // What was found out slowly comes first, and then a warning, while the line is there.
    let slow = json!({ "operation": "DescribeClusterVersions", "effect": "slow" });
    let denied = json!({ "operation": "DescribeVpcs", "count": 50, "effect": "denied" });
    let faults = [slow, denied];
    let plan = |terminal: &str| {
        served.faults(&faults);
        let mut command = folder.command(&["plan"]);
        on_terminal(command.env("TERM", terminal), COLUMNS, "").1
    };
    let written = plan("xterm-256color");
    let text = String::from_utf8_lossy(&written);
    assert!(text.contains(" looking at what there is  1s"), "{text}");
    assert!(text.contains("\r\u{1b}[2Kwarning: aws.ec2.vpc"), "{text}");
    let screen = rows(&written, COLUMNS);
    assert!(!screen.contains("looking"), "{screen}");
    let warning = screen.lines().find(|row| row.contains("warning: aws.ec2.vpc"));
    assert!(warning.is_some_and(|row| row.starts_with("warning")), "{screen}");

    let written = plan("dumb");
    assert!(!written.contains(&0x1b), "{}", String::from_utf8_lossy(&written));
    served.faults(&faults);
    let ran = folder.run(&["plan"]);
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
}
