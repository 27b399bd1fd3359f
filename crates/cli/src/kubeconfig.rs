//! The entries of a cluster in a kubeconfig: a whole file, or somebody's own with them in it.
//!
//! In a file of somebody's own only the lines of these entries change. What comes out is read again
//! and compared with what was there, so that a file of an unforeseen shape is left as it was.
use provision_spec::tree::{self, Entry, Kind, Node, Scalar, Value};
use serde_json::json;
use std::ops::Range;

/// The lists of a kubeconfig that a cluster has an entry in.
const LISTS: [&str; 3] = ["clusters", "contexts", "users"];
/// Which context is used where none is named.
const CURRENT: &str = "current-context";
/// The version of the protocol by which kubectl asks for a token.
pub(crate) const EXEC: &str = "client.authentication.k8s.io/v1";

/// What a kubeconfig tells of one cluster.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Way {
    /// What its cluster, its user and its context are called.
    pub(crate) name: String,
    /// The URL of the API.
    pub(crate) server: String,
    /// The certificate of the API's authority, in base64.
    pub(crate) authority: String,
    /// Who gets in.
    pub(crate) user: User,
}

/// Who gets into a cluster, and by what.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum User {
    /// Whoever runs the program, which makes the tokens.
    Program {
        /// The arguments with which it makes one.
        arguments: Vec<String>,
        /// What of the environment the tokens depend on.
        environment: Vec<(String, String)>,
    },
    /// Whoever has this token.
    Bearer(String),
}

impl User {
    /// Returns what a kubeconfig says of them.
    fn entry(&self) -> Node {
        let (arguments, environment) = match self {
            Self::Bearer(token) => return Node::map([("token", token.as_str().into())]),
            Self::Program { arguments, environment } => (arguments, environment),
        };
        let variable = |(name, value): &(String, String)| {
            Node::map([("name", name.as_str().into()), ("value", value.as_str().into())])
        };
        let environment = (!environment.is_empty())
            .then(|| ("env", environment.iter().map(variable).collect::<Node>()));
        let hint = "provision makes the tokens for this cluster: put it on the PATH";
        let fields = [
            ("apiVersion", EXEC.into()),
            ("command", "provision".into()),
            ("args", arguments.iter().map(String::as_str).collect()),
        ];
        let more = [
            ("installHint", hint.into()),
            ("interactiveMode", "Never".into()),
            ("provideClusterInfo", false.into()),
        ];
        let exec = Node::map(fields.into_iter().chain(environment).chain(more));
        Node::map([("exec", exec)])
    }
}

impl Way {
    /// Returns a kubeconfig of this cluster alone.
    pub(crate) fn alone(&self) -> String {
        let lists = LISTS.map(|list| (list, [self.entry(list)].into_iter().collect()));
        let ends = [("apiVersion", "v1".into()), ("kind", "Config".into())];
        let current = (CURRENT, self.name.as_str().into());
        Node::map(ends.into_iter().chain(lists).chain([current])).yaml()
    }

    /// Returns a kubeconfig with the entries of this cluster in it, in the place of older ones, and as
    /// the current context.
    ///
    /// # Errors
    /// When it is no kubeconfig, or one of a shape in which nothing can be changed safely.
    pub(crate) fn merged(&self, text: &str) -> Result<String, String> {
        if text.trim().is_empty() {
            return Ok(self.alone());
        }
        if text.trim_start().starts_with('{') {
            return self.merged_as_json(text);
        }
        let old = tree::read("kubeconfig", text.as_bytes()).map_err(|why| why.to_string())?;
        let Value::Map(entries) = &old.value else { return Err("it is no map".into()) };
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut edits = Vec::new();
        for list in LISTS {
            edits.push(self.edit(list, entries, &lines)?);
        }
        edits.push(self.current(entries, &lines)?);
        let new = edited(&lines, edits);
        let again = tree::read("kubeconfig", new.as_bytes()).map_err(|why| why.to_string())?;
        match self.others(&old) == self.others(&again) && self.is_in(&again) {
            true => Ok(new),
            false => Err("it has a shape in which nothing can be changed safely".into()),
        }
    }

    /// Tells whether a kubeconfig has nothing but the entries of this cluster.
    pub(crate) fn is_all_of(&self, text: &str) -> bool {
        let read = |text: &str| tree::read("kubeconfig", text.as_bytes());
        match (read(text), read(&self.alone())) {
            (Ok(old), Ok(ours)) => self.others(&old) == self.others(&ours),
            _ => false,
        }
    }

    /// Returns the entry of a list.
    fn entry(&self, list: &str) -> Node {
        let name = || Node::from(self.name.as_str());
        match list {
            "clusters" => {
                let fields =
                    [("certificate-authority-data", &self.authority), ("server", &self.server)];
                let fields = Node::map(fields.map(|(key, value)| (key, value.as_str().into())));
                Node::map([("cluster", fields), ("name", name())])
            }
            "contexts" => {
                let fields = Node::map([("cluster", name()), ("user", name())]);
                Node::map([("context", fields), ("name", name())])
            }
            _ => Node::map([("name", name()), ("user", self.user.entry())]),
        }
    }

    /// Returns which lines give way to what, so that a list has our entry.
    fn edit(&self, list: &str, entries: &[Entry], lines: &[&str]) -> Result<Edit, String> {
        let entry = [self.entry(list)].into_iter().collect::<Node>().yaml();
        let end = lines.len();
        let Some(at) = entries.iter().position(|it| it.key == list) else {
            let separator =
                if lines.last().is_some_and(|it| !it.ends_with('\n')) { "\n" } else { "" };
            return Ok((end..end, format!("{separator}{list}:\n{entry}")));
        };
        let (begin, value) = (entries[at].span.line - 1, &entries[at].value);
        let below = entries.get(at + 1).map_or(end, |next| next.span.line - 1);
        let items = match &value.value {
            Value::List(items) if !items.is_empty() => items,
            Value::List(_) => return Ok((begin..begin + 1, emptied(list, lines[begin], &entry))),
            Value::Scalar(scalar) if scalar.kind() == Kind::Null => {
                return Ok((begin..begin + 1, emptied(list, lines[begin], &entry)));
            }
            _ => return Err(format!("{list} is no list")),
        };
        let begins: Option<Vec<usize>> = items.iter().map(|item| dash(lines, item)).collect();
        let begins = begins.ok_or_else(|| format!("{list} is written on one line"))?;
        let column = indentation(lines[begins[0]]);
        let entry: String = entry.lines().map(|line| format!("{:column$}{line}\n", "")).collect();
        let ends = begins.iter().skip(1).copied().chain([below]);
        let ranges: Vec<_> = begins.iter().copied().zip(ends).collect();
        let content = |(begin, end): (usize, usize)| begin..content_end(lines, begin, end, column);
        match items.iter().position(|item| name_of(item) == Some(&self.name)) {
            Some(ours) => Ok((content(ranges[ours]), entry)),
            None => {
                let last = content(ranges[ranges.len() - 1]).end;
                let open = lines[last - 1].ends_with('\n');
                let separator = if open { "" } else { "\n" };
                Ok((last..last, format!("{separator}{entry}")))
            }
        }
    }

    /// Returns which line gives way to what, so that our context is the current one.
    fn current(&self, entries: &[Entry], lines: &[&str]) -> Result<Edit, String> {
        let name = Node::from(self.name.as_str()).yaml();
        let line = format!("{CURRENT}: {}", name.trim_end());
        let Some(entry) = entries.iter().find(|it| it.key == CURRENT) else {
            let end = lines.len();
            return Ok((end..end, format!("{line}\n")));
        };
        let at = entry.span.line - 1;
        match &entry.value.value {
            Value::Scalar(Scalar { .. }) => {
                Ok((at..at + 1, format!("{line}{}\n", remark(lines[at]))))
            }
            _ => Err(format!("{CURRENT} is no text")),
        }
    }

    /// Returns everything but our own entries and the current context.
    fn others(&self, root: &Node) -> Vec<(String, Node)> {
        let Value::Map(entries) = &root.value else { return Vec::new() };
        let kept = entries.iter().filter(|it| it.key != CURRENT).map(|entry| {
            let value = match &entry.value.value {
                Value::List(items) if LISTS.contains(&entry.key.as_str()) => {
                    let others = items.iter().filter(|item| name_of(item) != Some(&self.name));
                    others.cloned().collect()
                }
                _ => entry.value.clone(),
            };
            (entry.key.clone(), value)
        });
        // A list of nothing is as good as no list.
        let is_empty = |value: &Node| match &value.value {
            Value::List(items) => items.is_empty(),
            Value::Scalar(scalar) => scalar.kind() == Kind::Null,
            Value::Map(_) => false,
        };
        let mut kept: Vec<_> = kept
            .filter(|(key, value)| !(LISTS.contains(&key.as_str()) && is_empty(value)))
            .collect();
        kept.sort_by(|(a, _), (b, _)| a.cmp(b));
        kept
    }

    fn is_in(&self, root: &Node) -> bool {
        let is_current = root.part(CURRENT).is_some_and(|it| *it == self.name.as_str().into());
        let has = |list: &str| match root.part(list).map(|it| &it.value) {
            Some(Value::List(items)) => {
                let mut ours = items.iter().filter(|item| name_of(item) == Some(&self.name));
                ours.next() == Some(&self.entry(list)) && ours.next().is_none()
            }
            _ => false,
        };
        is_current && LISTS.iter().all(|list| has(list))
    }

    /// Does the same to a kubeconfig that is JSON, which has no comments.
    fn merged_as_json(&self, text: &str) -> Result<String, String> {
        let mut root: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let ours = tree::read("kubeconfig", self.alone().as_bytes()).map_err(|e| e.to_string())?;
        for list in LISTS {
            let entry = ours.part(list).and_then(|it| it.part("0")).map(as_json);
            if root[list].is_null() {
                root[list] = json!([]);
            }
            let items = root[list].as_array_mut().ok_or_else(|| format!("{list} is no list"))?;
            items.retain(|item| item["name"] != self.name.as_str());
            items.extend(entry);
        }
        root[CURRENT] = json!(self.name);
        Ok(format!("{root:#}\n"))
    }
}

/// Lines that give way to a text.
type Edit = (Range<usize>, String);

fn edited(lines: &[&str], mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let (mut text, mut next) = (String::new(), 0);
    for (range, by) in edits {
        text.extend(lines[next..range.start].iter().copied());
        if by.starts_with('\n') && text.ends_with('\n') {
            text.pop();
        }
        text.push_str(&by);
        next = range.end;
    }
    text.extend(lines[next..].iter().copied());
    text
}

/// Returns what takes the place of the line of an empty list.
fn emptied(list: &str, line: &str, entry: &str) -> String {
    format!("{list}:{}\n{entry}", remark(line))
}

/// Returns the comment at the end of a line, with the blank before it.
fn remark(line: &str) -> String {
    line.find(" #").map_or(String::new(), |at| line[at..].trim_end().to_owned())
}

/// Returns the line with the dash of an item, if that begins a line.
fn dash(lines: &[&str], item: &Node) -> Option<usize> {
    let from = item.span.line - 1;
    let above = (0..=from).rev().take_while(|&at| at == from || lines[at].trim() == "-");
    above.filter(|&at| lines[at].trim_start().starts_with('-')).last()
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Returns where an item ends: blank lines and comments that are no deeper than its dash come after it.
fn content_end(lines: &[&str], begin: usize, end: usize, column: usize) -> usize {
    let is_after = |line: &str| {
        let line = line.trim_end();
        line.trim_start().is_empty()
            || (line.trim_start().starts_with('#') && indentation(line) <= column)
    };
    let after = lines[begin + 1..end].iter().rev().take_while(|line| is_after(line)).count();
    end - after
}

fn name_of(item: &Node) -> Option<&String> {
    match &item.part("name")?.value {
        Value::Scalar(scalar) => Some(&scalar.text),
        _ => None,
    }
}

fn as_json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Scalar(scalar) => match scalar.kind() {
            Kind::Boolean => json!(scalar.text == "true"),
            _ => json!(scalar.text),
        },
        Value::List(items) => items.iter().map(as_json).collect(),
        Value::Map(entries) => {
            entries.iter().map(|it| (it.key.clone(), as_json(&it.value))).collect()
        }
    }
}

#[cfg(test)]
mod tests;
