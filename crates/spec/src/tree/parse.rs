//! From parser events to the tree, refusing what a cluster file has no use for.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use super::{Entry, Node, Scalar, Span, Value, quote};
use crate::source::{Report, Source};

const MAX_DEPTH: usize = 64;
const MAX_KEY_CHARS: usize = 320;
const DEPTH_HINT: &str = "a cluster file is at most a few levels deep";

/// Parses a file into its root value, or reports why there is none.
///
/// Duplicate fields are reported too, and the first of them stays in the tree.
pub(crate) fn parse(report: &Report) -> Option<Node> {
    let mut roots = documents(report, 1)?;
    if roots.is_empty() {
        let hint = "the shortest file has name, provider, region and profile".to_owned();
        report.refuse("file.empty", Span::START, "file is empty", Some(hint));
    }
    roots.pop()
}

/// Parses a file of several documents into the root value of each, or reports why there are none.
pub(crate) fn parse_all(report: &Report) -> Option<Vec<Node>> {
    documents(report, usize::MAX)
}

fn documents(report: &Report, most: usize) -> Option<Vec<Node>> {
    let (open, roots) = (Vec::new(), Vec::new());
    let mut builder = Builder { report, open, values: 0, roots, most, sound: true };
    for event in Parser::new_from_str(report.source().text()) {
        match event {
            Ok((event, span)) => builder.event(event, place(span))?,
            Err(error) => {
                refuse_syntax(report, &error);
                return None;
            }
        }
    }
    builder.sound.then_some(builder.roots)
}

/// A list or map whose end has not been seen.
enum Open {
    List { span: Span, items: Vec<Node> },
    Map { span: Span, entries: Vec<Entry>, seen: HashMap<String, Span>, key: Option<Key> },
}

struct Key {
    name: String,
    span: Span,
    repeated: bool,
}

struct Builder<'a> {
    report: &'a Report,
    open: Vec<Open>,
    values: usize,
    roots: Vec<Node>,
    /// How many documents there may be.
    most: usize,
    sound: bool,
}

impl Builder<'_> {
    /// Takes one event; `None` stops the parse, after a problem was reported.
    fn event(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        match event {
            Event::DocumentStart(_) if self.roots.len() == self.most => {
                let hint = "keep one cluster per file".to_owned();
                self.refuse("file.documents", span, "file holds several documents", hint)
            }
            Event::Alias(_) => {
                self.refuse_reuse(span, "alias");
                self.value(Node { value: plain(String::new()), span })
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_marks(span, anchor, tag.is_some());
                self.scalar(text.into_owned(), style == ScalarStyle::Plain, span)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_marks(span, anchor, tag.is_some());
                self.begin(Open::List { span, items: Vec::new() }, span)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_marks(span, anchor, tag.is_some());
                let (entries, seen) = (Vec::new(), HashMap::new());
                self.begin(Open::Map { span, entries, seen, key: None }, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => Some(()),
        }
    }

    fn begin(&mut self, open: Open, span: Span) -> Option<()> {
        if self.open.len() == MAX_DEPTH {
            let message = format!("file is nested more than {MAX_DEPTH} levels deep");
            return self.refuse("file.too-deep", span, message, DEPTH_HINT.to_owned());
        }
        if let Some(Open::Map { key: None, .. }) = self.open.last() {
            return self.refuse_key(span, "field name is a list or a map");
        }
        self.open.push(open);
        Some(())
    }

    fn end(&mut self) -> Option<()> {
        let node = match self.open.pop()? {
            Open::List { span, items } => Node { value: Value::List(items), span },
            Open::Map { span, entries, .. } => {
                let span = entries.first().map_or(span, |first| first.span.min_by_place(span));
                Node { value: Value::Map(entries), span }
            }
        };
        self.value(node)
    }

    fn scalar(&mut self, text: String, is_plain: bool, span: Span) -> Option<()> {
        if let Some(Open::Map { key: None, .. }) = self.open.last() {
            return self.key(text, is_plain, span);
        }
        self.value(Node { value: Value::Scalar(Scalar { text, plain: is_plain }), span })
    }

    fn key(&mut self, name: String, is_plain: bool, span: Span) -> Option<()> {
        if let Some(message) = wrong_key(&name) {
            return self.refuse_key(span, message);
        }
        if is_plain && name == "<<" {
            self.refuse_reuse(span, "merge key");
        }
        let Some(Open::Map { seen, key, .. }) = self.open.last_mut() else { return None };
        let first = seen.get(&name).copied();
        if let Some(first) = first {
            let hidden = self.report.source().hides(span);
            let name = if hidden { "field".to_owned() } else { quote(&name) };
            let message = format!("{name} is given twice, first on line {}", first.line);
            let hint = Some("keep one of the two".to_owned());
            self.report.refuse("file.duplicate-field", span, message, hint);
        } else {
            seen.insert(name.clone(), span);
        }
        *key = Some(Key { name, span, repeated: first.is_some() });
        Some(())
    }

    /// Puts a complete value where it belongs.
    fn value(&mut self, mut node: Node) -> Option<()> {
        self.values += 1;
        if self.values > Source::MAX_VALUES {
            let message = format!("file holds more than {} values", Source::MAX_VALUES);
            let hint = "a cluster file has at most a few hundred".to_owned();
            return self.refuse("file.too-large", node.span, message, hint);
        }
        match self.open.last_mut() {
            None => self.roots.push(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => {
                let Some(Key { name, span, repeated }) = key.take() else {
                    return self.refuse_key(node.span, "field name is not text");
                };
                if matches!(&node.value, Value::Scalar(s) if s.plain && s.text.is_empty()) {
                    node.span = span;
                }
                if !repeated {
                    entries.push(Entry { key: name, span, value: node });
                }
            }
        }
        Some(())
    }

    fn refuse_marks(&mut self, span: Span, anchor: usize, tagged: bool) {
        if anchor != 0 {
            self.refuse_reuse(span, "anchor");
        }
        if tagged {
            let hint = Some("remove the `!…`".to_owned());
            self.report.refuse("file.unsupported-yaml", span, "tag is not supported", hint);
            self.sound = false;
        }
    }

    fn refuse_reuse(&mut self, span: Span, what: &str) {
        let hint = Some("write the value out where it is needed".to_owned());
        let message = format!("{what} is not supported");
        self.report.refuse("file.unsupported-yaml", span, message, hint);
        self.sound = false;
    }

    fn refuse_key(&self, span: Span, message: &str) -> Option<()> {
        let hint = "write `name: value`; quote a name that holds special characters".to_owned();
        self.refuse("file.syntax", span, message, hint)
    }

    fn refuse(
        &self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        hint: String,
    ) -> Option<()> {
        self.report.refuse(code, span, message, Some(hint));
        None
    }
}

impl Span {
    /// Gives the earlier of two places.
    fn min_by_place(self, other: Self) -> Self {
        if (self.line, self.column) <= (other.line, other.column) { self } else { other }
    }
}

fn wrong_key(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("field name is missing")
    } else if name.contains(char::is_control) {
        Some("field name holds control characters")
    } else if name.chars().count() > MAX_KEY_CHARS {
        Some("field name is too long")
    } else {
        None
    }
}

fn plain(text: String) -> Value {
    Value::Scalar(Scalar { text, plain: true })
}

fn place(span: saphyr_parser::Span) -> Span {
    let (start, end) = (span.start, span.end);
    let width = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
    Span { line: start.line().max(1), column: start.col() + 1, width: width.max(1) }
}

fn refuse_syntax(report: &Report, error: &ScanError) {
    let at = error.marker();
    let span = Span { line: at.line().max(1), column: at.col() + 1, width: 1 };
    let info = error.info();
    if info.contains("recursion limit") {
        let message = format!("file is nested more than {MAX_DEPTH} levels deep");
        return report.refuse("file.too-deep", span, message, Some(DEPTH_HINT.to_owned()));
    }
    if info.contains("unknown anchor") {
        let hint = "write the value out; quote text that begins with `*`".to_owned();
        let message = "alias is not supported";
        return report.refuse("file.unsupported-yaml", span, message, Some(hint));
    }
    let hint = if info.contains("mapping values") {
        "check the indentation, and quote text that contains `: `"
    } else if info.contains("indentation") || info.contains("block") {
        "check the indentation of this line and the one before"
    } else if info.contains("flow") || info.contains("bracket") {
        "check that brackets and commas match"
    } else if info.contains("quoted") {
        "check that quotes match"
    } else {
        "quote text that has special characters"
    };
    let message = format!("file is not valid YAML: {}", info.replace("while ", ""));
    report.refuse("file.syntax", span, message, Some(hint.to_owned()));
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::problem::Problems;

    fn tree(text: &str) -> Result<Node, Problems> {
        let report = Report::new(Source::new("a.yaml", text.as_bytes())?);
        let root = parse(&report);
        report.finish(root).map(|root| root.expect("no root is a problem"))
    }

    fn refused(text: &str) -> String {
        let problems = tree(text).unwrap_err();
        let line = |problem: &crate::Problem| {
            format!("{} {}:{} {}", problem.code, problem.line, problem.column, problem.message)
        };
        problems.iter().map(line).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn keeps_text_as_written() {
        let tree = tree("a: 1.30\nb: [\"x y\", ]\nc:\n").unwrap();
        insta::assert_snapshot!(crate::print::yaml(&tree), @r#"
        a: 1.30
        b: ["x y"]
        c: null
        "#);
        let Value::Map(entries) = &tree.value else { panic!("root is a map") };
        assert_eq!(entries[1].span, Span { line: 2, column: 1, width: 1 });
        assert_eq!(entries[2].value.span, entries[2].span);
    }

    #[test]
    fn refuses_the_rest_of_yaml() {
        for (text, wanted) in [
            ("", "file.empty 1:1 file is empty"),
            ("# nothing\n", "file.empty 1:1 file is empty"),
            ("a: 1\n---\nb: 2\n", "file.documents 2:1 file holds several documents"),
            ("a: &x 1", "file.unsupported-yaml 1:4 anchor is not supported"),
            ("a: *x", "file.unsupported-yaml 1:4 alias is not supported"),
            ("a: !!str 1", "file.unsupported-yaml 1:4 tag is not supported"),
            ("<<: 1", "file.unsupported-yaml 1:1 merge key is not supported"),
            ("a: 1\nb: 2\na: 3", "file.duplicate-field 3:1 `a` is given twice, first on line 1"),
            ("? [a]\n: 1", "file.syntax 1:3 field name is a list or a map"),
            (
                "a: b: c",
                "file.syntax 1:5 file is not valid YAML: mapping values are not allowed in this context",
            ),
        ] {
            assert_eq!(refused(text), wanted, "{text}");
        }
    }

    #[test]
    fn stays_bounded_on_hostile_files() {
        let stairs: String = (0..1000).map(|level| " ".repeat(level) + "a:\n").collect();
        let bomb: String =
            (1..30).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)).collect();
        let started = Instant::now();
        for (text, code) in [
            ("[".repeat(20_000), "file.too-deep"),
            ("{a: ".repeat(20_000), "file.too-deep"),
            ("- ".repeat(20_000), "file.too-deep"),
            ("? ".repeat(20_000), "file.syntax"),
            (stairs, "file.too-deep"),
            ("a0: &a0 [x]\n".to_owned() + &bomb, "file.unsupported-yaml"),
            ("- a\n".repeat(200_000), "file.too-large"),
            ("{".to_owned() + &"a, ".repeat(300_000) + "}", "file.too-large"),
            ("{".to_owned() + &"a, ".repeat(90_000) + "}", "file.duplicate-field"),
            ("k".repeat(1_000_000) + ": 1", "file.syntax"),
        ] {
            let problems = tree(&text).unwrap_err();
            let found = problems.iter().next().map(|problem| problem.code);
            assert_eq!(found, Some(code), "{:.20}", text);
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }

    #[test]
    fn never_panics_on_damaged_files() {
        let text =
            "a: [b, {c: 'd'}]\ne:\n  - f: |\n      g\n    h: \"i\\n\" # j\nk: !l &m >-\n  n\n";
        let pieces =
            ["", "[", "}", ": ", "\n", "- ", "\"", "'", "&", "*", "!", "|", "\t", "? ", "%"];
        for (at, _) in text.char_indices() {
            for piece in pieces {
                for cut in [0, 1, 3] {
                    let rest = text.get(at + cut..).unwrap_or_default();
                    let _ = tree(&format!("{}{piece}{rest}", &text[..at]));
                }
            }
        }
    }
}
