//! Moving lines, as a terminal shows them.
use super::*;

/// Returns what a terminal of this size shows, row by row, after what was written so far.
fn screen(desk: &Desk, (width, height): live::Size) -> Vec<String> {
    let [rows, columns]: [std::num::NonZeroU16; 2] =
        [height, width].map(|n| u16::try_from(n).unwrap().try_into().unwrap());
    let mut terminal = vt100::Parser::new(rows, columns, 0);
    terminal.process(desk.text().replace('\n', "\r\n").as_bytes());
    let screen = terminal.screen();
    let rows = screen.rows(0, columns.get()).map(|row| row.trim_end().to_owned());
    let mut rows: Vec<_> = rows.collect();
    while rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    rows
}

fn reporter(desk: &Desk, size: fn() -> live::Size) -> Reporter {
    let style = Style { color: true, width: 80 };
    let live = Some(Live::new(style, size));
    let time = Time::Set(desk.seconds.clone());
    Reporter::with(Mode::Live, style, Box::new(desk.clone()), time, live)
}

const LARGE: live::Size = (80, 24);
const SMALL: live::Size = (40, 10);

#[test]
fn a_line_for_each_step_that_runs_and_one_that_sums_up() {
    let desk = Desk::default();
    let reporter = reporter(&desk, || LARGE);
    play(&desk, &reporter);
    let cluster = |what| event("cluster", Action::Create, what);
    reporter.event(&cluster(EventKind::Started));
    reporter.event(&event("pool/app/1c688e46", Action::Create, EventKind::Started));
    desk.at(761);
    reporter.event(&cluster(EventKind::Waiting("CREATING".into())));
    reporter.note("stopping: nothing new begins, and calls under way end first; once more leaves");
    insta::assert_snapshot!(screen(&desk, LARGE).join("\n"), @r#"
      ✓ cluster  9m12s  created
      ✗ pool/app/1c688e46  1m45s  failed: ThrottlingException
      ✓ vpc                   0s  adopted
      ✓ key                   0s  deleted
      ! pool/b/1              0s  changed, degraded: no[2J room
    stopping: nothing new begins, and calls under way end first; once more leaves
      ⠙ cluster              58s  CREATING
      ⠙ pool/app/1c688e46    58s  creating
      4 done, 1 failed, 1 skipped, 2 running, 12m41s
    "#);
}

#[test]
fn long_words_of_a_cloud_go_on_below_themselves() {
    let desk = Desk::default();
    let reporter = reporter(&desk, || LARGE);
    let why = "AsgInstanceLaunchFailures: could not launch spot instances, no capacity in any zone";
    let pool = |what| event("pool/executor/a62f1df6", Action::Create, what);
    reporter.event(&pool(EventKind::Started));
    reporter.event(&pool(EventKind::Degraded(why.into())));
    insta::assert_snapshot!(screen(&desk, LARGE).join("\n"), @r#"
    ! pool/executor/a62f1df6     0s  created, degraded:
                                     AsgInstanceLaunchFailures: could not launch
                                     spot instances, no capacity in any zone
    "#);
}

#[test]
fn more_steps_than_lines_are_counted_and_leave_no_trace() {
    let desk = Desk::default();
    let reporter = reporter(&desk, || SMALL);
    let step = |n| format!("subnet/private/us-east-1a-long-name/{n:02}");
    for n in 0..30 {
        reporter.event(&event(&step(n), Action::Create, EventKind::Started));
    }
    insta::assert_snapshot!(screen(&desk, SMALL).join("\n"), @r#"
    ⠋ subnet/private…    0s  creating
    ⠋ subnet/private…    0s  creating
    ⠋ subnet/private…    0s  creating
    ⠋ subnet/private…    0s  creating
    ⠋ subnet/private…    0s  creating
    ⠋ subnet/private…    0s  creating
    ⠋ subnet/private…    0s  creating
    … and 23 more
    0 done, 30 running, 0s
    "#);
    for n in 0..30 {
        reporter.event(&event(&step(n), Action::Create, EventKind::Settled(json!({}))));
    }
    let outcome = Outcome { done: [(Action::Create, 30)].into(), ..Outcome::default() };
    reporter.finished(&finish(&outcome, &BTreeMap::new(), &[]));
    let rows = screen(&desk, (80, 100));
    assert_eq!(rows.iter().filter(|row| row.contains('✓')).count(), 30, "{rows:?}");
    let traces = ["running", "more", "creating"];
    assert!(!rows.iter().any(|row| traces.iter().any(|t| row.contains(t))), "{rows:?}");
}

/// tmux puts a screen that is erased from its first column on into its history, again and again.
#[test]
fn nothing_is_erased_but_rows_one_by_one() {
    let desk = Desk::default();
    let reporter = reporter(&desk, || LARGE);
    for n in 0..4 {
        reporter.event(&event(&format!("subnet/{n}"), Action::Create, EventKind::Started));
    }
    for n in 0..4 {
        let failed = EventKind::Failed(throttled("r"));
        reporter.event(&event(&format!("subnet/{n}"), Action::Create, failed));
    }
    assert!(!desk.text().contains("\u{1b}[J"));
    let rows = screen(&desk, LARGE);
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(rows.iter().all(|row| row.contains('✗')), "{rows:?}");
}

#[test]
fn a_run_that_ends_with_an_error_leaves_no_moving_line() {
    let desk = Desk::default();
    let reporter = reporter(&desk, || LARGE);
    reporter.event(&event("vpc", Action::Create, EventKind::Started));
    assert_eq!(screen(&desk, LARGE).len(), 2);
    drop(reporter);
    assert_eq!(screen(&desk, LARGE), [""; 0]);
}

#[test]
fn where_nothing_moves_a_long_silence_is_broken() {
    let desk = Desk::default();
    let reporter = desk.reporter(Mode::Plain);
    for address in ["cluster", "pool/a", "pool/b", "pool/c"] {
        reporter.event(&event(address, Action::Create, EventKind::Started));
    }
    reporter.event(&event("cluster", Action::Create, EventKind::Waiting("CREATING".into())));
    for second in 0..130 {
        desk.at(second);
        reporter.inner().tick();
    }
    insta::assert_snapshot!(desk.text(), @r#"
    [ 0:00] cluster: creating…
    [ 0:00] pool/a: creating…
    [ 0:00] pool/b: creating…
    [ 0:00] pool/c: creating…
    [ 0:00] cluster: CREATING
    [ 1:00] 0 done; waiting for cluster (CREATING, 1m00s), pool/a (creating, 1m00s), pool/b (creating, 1m00s), and 1 more
    [ 2:00] 0 done; waiting for cluster (CREATING, 2m00s), pool/a (creating, 2m00s), pool/b (creating, 2m00s), and 1 more
    "#);
}
