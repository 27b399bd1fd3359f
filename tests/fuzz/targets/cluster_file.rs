//! A cluster file is read, or refused with places that are in it; what was read reads back.
#![no_main]
use libfuzzer_sys::fuzz_target;
use provision_spec::{Problems, Source, read};

fuzz_target!(|text: &[u8]| match read("provision.yaml", text) {
    Ok(spec) => {
        let resolved = spec.resolved();
        let again = read("provision.yaml", resolved.as_bytes());
        let again = again.unwrap_or_else(|problems| panic!("{problems}\n{resolved}"));
        assert_eq!(again.resolved(), resolved);
    }
    Err(problems) => check(&String::from_utf8_lossy(text), &problems),
});

fn check(text: &str, problems: &Problems) {
    assert!(!problems.is_empty());
    assert!(problems.to_string().len() < 16 * Source::MAX_BYTES.min(text.len() + 8192));
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let lines: Vec<_> = text.split(['\n', '\r']).map(|line| line.chars().count()).collect();
    for problem in problems {
        let most = lines.get(problem.line.wrapping_sub(1));
        assert!(most.is_some_and(|most| (1..=most + 1).contains(&problem.column)), "{problem}");
        assert!(problem.hint.is_some(), "{problem}");
    }
}
