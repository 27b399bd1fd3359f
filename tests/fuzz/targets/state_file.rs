//! A state file is read, or refused; what was read is the same after it was cut or compacted.
#![no_main]
use libfuzzer_sys::fuzz_target;
use provision_core::Line;
use provision_engine::{Journal, Loaded, MemoryStore, parse};
use serde_json::Value;
use std::path::Path;

fuzz_target!(|text: &[u8]| {
    check(text);
    check(&chained(text));
});

fn read(text: &[u8]) -> Option<Loaded> {
    parse(Path::new("a.state.jsonl"), text).ok().flatten()
}

fn check(text: &[u8]) {
    let Some(loaded) = read(text) else { return };
    let whole = &text[..text.len() - usize::try_from(loaded.torn).expect("it is in the text")];
    let cut = read(whole).expect("the rest of a torn state is a state");
    assert_eq!((&cut.state, cut.serial, cut.torn), (&loaded.state, loaded.serial, 0));

    let store = MemoryStore::default();
    store.0.lock().expect("no thread panics").extend(whole);
    let journal = Journal::resume(Box::new(store.clone()), cut);
    journal.compact().expect("memory can be written");
    let compact = read(&store.0.lock().expect("no thread panics")).expect("it is a state");
    assert_eq!(compact.state.records().len(), loaded.state.records().len());
    assert_eq!(compact.state.facts(), loaded.state.facts());
    assert!(compact.serial >= loaded.serial && compact.serial == journal.serial());
}

/// Numbers, chains and seals the lines anew, so that what is in them is read at all.
fn chained(text: &[u8]) -> Vec<u8> {
    let mut lines = text.split(|byte| *byte == b'\n');
    let mut chained = lines.next().unwrap_or_default().to_vec();
    let mut prev = Line::hash(&chained);
    for (n, text) in (1..).zip(lines) {
        chained.push(b'\n');
        let Ok(Value::Object(mut line)) = serde_json::from_slice(text) else {
            chained.extend(text);
            continue;
        };
        line.insert("n".into(), n.into());
        line.insert("prev".into(), prev.clone().into());
        match serde_json::from_value::<Line>(line.into()) {
            Ok(line) => {
                let (text, seal) = line.sealed();
                prev = seal;
                chained.extend(text);
            }
            Err(_) => chained.extend(text),
        }
    }
    chained
}
