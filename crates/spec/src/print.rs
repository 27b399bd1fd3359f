//! Values as YAML that reads back the same.

use std::fmt::Write;

use crate::tree::{Entry, Kind, Node, Scalar, Value};

/// Prints a value as a block of YAML lines; scalars and lists of scalars stay on one line.
pub(crate) fn yaml(node: &Node) -> String {
    let mut out = String::new();
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => map(&mut out, entries, 0, false),
        Value::List(items) if !inline(node) => list(&mut out, items, 0),
        _ => {
            flow(&mut out, node);
            out.push('\n');
        }
    }
    out
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        let plain = Scalar { text: text.to_owned(), plain: true };
        let plain = Scalar { plain: stays_plain(text) && plain.kind() == Kind::Text, ..plain };
        Node::made(Value::Scalar(plain))
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<u32> for Node {
    fn from(number: u32) -> Self {
        Node::made(Value::Scalar(Scalar { text: number.to_string(), plain: true }))
    }
}

impl From<bool> for Node {
    fn from(truth: bool) -> Self {
        Node::made(Value::Scalar(Scalar { text: truth.to_string(), plain: true }))
    }
}

impl<T: Into<Node>> FromIterator<T> for Node {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Node::made(Value::List(items.into_iter().map(Into::into).collect()))
    }
}

/// Says whether a value fits on the line of its key.
fn inline(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(_) => true,
        Value::List(items) => items.iter().all(|item| matches!(item.value, Value::Scalar(_))),
        Value::Map(entries) => entries.is_empty(),
    }
}

fn map(out: &mut String, entries: &[Entry], indent: usize, first_is_placed: bool) {
    for (position, Entry { key, value, .. }) in entries.iter().enumerate() {
        if position > 0 || !first_is_placed {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        scalar(out, key, is_word(key));
        out.push(':');
        match &value.value {
            _ if inline(value) => {
                out.push(' ');
                flow(out, value);
                out.push('\n');
            }
            Value::Map(entries) => {
                out.push('\n');
                map(out, entries, indent + 2, false);
            }
            Value::List(items) => {
                out.push('\n');
                list(out, items, indent + 2);
            }
            Value::Scalar(_) => {}
        }
    }
}

fn list(out: &mut String, items: &[Node], indent: usize) {
    for item in items {
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str("- ");
        match &item.value {
            Value::Map(entries) if !entries.is_empty() => map(out, entries, indent + 2, true),
            _ => {
                flow(out, item);
                out.push('\n');
            }
        }
    }
}

/// Prints a value on one line.
fn flow(out: &mut String, node: &Node) {
    match &node.value {
        Value::Scalar(Scalar { text, plain }) if *plain && text.is_empty() => out.push_str("null"),
        Value::Scalar(Scalar { text, plain }) => scalar(out, text, *plain && stays_plain(text)),
        Value::List(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                out.push_str(if position == 0 { "" } else { ", " });
                flow(out, item);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (position, Entry { key, value, .. }) in entries.iter().enumerate() {
                out.push_str(if position == 0 { " " } else { ", " });
                scalar(out, key, is_word(key));
                out.push_str(": ");
                flow(out, value);
            }
            out.push_str(if entries.is_empty() { "}" } else { " }" });
        }
    }
}

fn scalar(out: &mut String, text: &str, plain: bool) {
    if plain {
        return out.push_str(text);
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            c if c.is_control() || "\u{2028}\u{2029}\u{feff}".contains(c) => {
                write!(out, "\\u{:04X}", u32::from(c)).expect("writing to a string cannot fail");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Says whether text means the same without quotes, anywhere in a file and to any reader of YAML.
fn stays_plain(text: &str) -> bool {
    let words = ["yes", "no", "on", "off", "y", "n"];
    let sound = |c: char| c.is_ascii_alphanumeric() || "-_./+~".contains(c);
    let special =
        matches!(text, "" | "-" | "+") || text.starts_with("--") || text.starts_with("..");
    !special && text.chars().all(sound) && !words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn is_word(key: &str) -> bool {
    let reserved = ["true", "false", "null"];
    key.starts_with(|c: char| c.is_ascii_alphabetic())
        && stays_plain(key)
        && !reserved.iter().any(|word| key.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use crate::source::{Report, Source};
    use crate::tree::{Node, parse};

    fn tree(text: &str) -> Node {
        let report = Report::new(Source::new("a.yaml", text.as_bytes()).unwrap());
        let root = parse(&report);
        report.finish(root).unwrap().unwrap()
    }

    #[test]
    fn prints_what_reads_back_the_same() {
        for text in [
            "a: {}\nb: []\nc:\nd: ~\ne: ''\n",
            "a: [[x, {y: z}], [], {}, ~, 'null', null]\n",
            "'yes': no\non: 'true'\n'1': '- b'\n'~': x\n",
            "a: |\n  one\n  two: three\n\nb: >-\n  x\n  y\n",
            "a:\n- b: c\n  d: [e]\n  f:\n    - g: h\n- i\n",
            "a: \"tab\\t quote\\\" back\\\\ nul\\0 line\\u2028 é 😀 \\u0085\\r\"\n",
            "'a: b': '#c'\n'[1': '-'\n'---': '---'\n",
            "a: 'x: '\nb: ' y '\nc: --x\nd: ..\n",
            "[a, 1.30, 0x1F, +1, -1, 1e3, .5, +, '-']",
            "- a\n- - b\n  - c\n",
            "text with spaces",
        ] {
            let tree = tree(text);
            let printed = super::yaml(&tree);
            assert_eq!(self::tree(&printed), tree, "{text}\n{printed}");
            assert_eq!(super::yaml(&self::tree(&printed)), printed);
        }
    }
}
