//! What a document shows of the program: commands, and what they print.
use std::fs;
use std::path::Path;

/// What is shown that stands for what is left out: alone any number of lines, else the middle of one.
const MORE: &str = "…";

/// A command, and what is shown of what it prints.
pub(crate) struct Typed {
    pub(crate) line: String,
    pub(crate) shown: Vec<String>,
}

/// Returns the text of a document of the repository.
pub(crate) fn document(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(path).expect("the document can be read")
}

/// Returns the commands of the block of a console after a mark.
pub(crate) fn typed(document: &str, mark: &str) -> Vec<Typed> {
    let (_, block) = document.split_once(&format!("<!-- {mark} -->\n```console\n")).expect(mark);
    let (block, _) = block.split_once("```").expect("the block ends");
    let mut all: Vec<Typed> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(line) => all.push(Typed { line: line.to_owned(), shown: Vec::new() }),
            None => all.last_mut().expect("a command is first").shown.push(line.to_owned()),
        }
    }
    all
}

/// Checks that what is shown is what was printed, but for what is left out and what `plain` takes out of
/// a line.
pub(crate) fn compare(typed: &Typed, printed: &str, plain: impl Fn(&str) -> String) {
    let plain = |line: &str| plain(line.trim_end());
    let mut shown: Vec<_> = typed.shown.iter().map(|line| plain(line)).collect();
    let printed: Vec<_> = printed.trim_end().lines().map(plain).collect();
    while shown.last().is_some_and(String::is_empty) {
        shown.pop();
    }
    let (mut at, mut may_skip) = (0, false);
    for line in &shown {
        if line == MORE {
            may_skip = true;
            continue;
        }
        let rest = &printed[at..];
        let found = if may_skip { rest.iter().position(|it| is_so(line, it)) } else { Some(0) };
        let found = found.filter(|found| rest.get(*found).is_some_and(|it| is_so(line, it)));
        let found = found.unwrap_or_else(|| {
            panic!("`{}` shows\n{line}\nand prints\n{}", typed.line, rest.join("\n"))
        });
        (at, may_skip) = (at + found + 1, false);
    }
    let rest = printed[at..].join("\n");
    assert!(may_skip || rest.is_empty(), "`{}` prints more:\n{rest}", typed.line);
}

/// Tells whether a line is what is shown of it.
fn is_so(shown: &str, printed: &str) -> bool {
    match shown.split_once(MORE) {
        None => shown == printed,
        Some((begin, end)) => {
            let rest = printed.strip_prefix(begin);
            rest.is_some_and(|rest| rest.ends_with(end))
        }
    }
}
