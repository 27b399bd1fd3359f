//! The documentation: every link leads somewhere, every test that a page names is there.
use super::root;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A page without what stands in fences.
struct Page {
    path: PathBuf,
    lines: Vec<String>,
}

impl Page {
    fn new(path: PathBuf, text: &str) -> Self {
        let (mut lines, mut fenced) = (Vec::new(), false);
        for line in text.lines() {
            let is_fence = line.trim_start().starts_with("```");
            if !is_fence && !fenced {
                lines.push(line.to_owned());
            }
            fenced ^= is_fence;
        }
        Self { path, lines }
    }

    /// Returns the anchors of its headings, as GitHub makes them.
    fn anchors(&self) -> BTreeSet<String> {
        let mut anchors = BTreeSet::new();
        for line in self.lines.iter().filter(|line| line.starts_with('#')) {
            let heading = line.trim_start_matches('#').trim();
            let slug = |c: char| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
                _ => None,
            };
            let slug: String = heading.chars().filter_map(slug).collect();
            let again = (1..).map(|n| format!("{slug}-{n}"));
            let free = std::iter::once(slug.clone()).chain(again).find(|it| !anchors.contains(it));
            anchors.extend(free);
        }
        anchors
    }

    /// Returns what its links show and where they lead.
    fn links(&self) -> Vec<(String, String)> {
        let text = self.lines.join("\n");
        let (mut links, mut opened, mut is_code) = (Vec::new(), Vec::new(), false);
        for (at, c) in text.char_indices() {
            match c {
                '`' => is_code = !is_code,
                '[' if !is_code => opened.push(at + 1),
                ']' if !is_code => {
                    let Some(begin) = opened.pop() else { continue };
                    let Some(rest) = text[at + 1..].strip_prefix('(') else { continue };
                    let target = rest.split(')').next().unwrap_or_default();
                    links.push((text[begin..at].to_owned(), target.to_owned()));
                }
                _ => {}
            }
        }
        links
    }

    /// Says what is wrong with a link, if anything.
    fn broken(&self, shown: &str, target: &str) -> Option<String> {
        if target.starts_with("https://") {
            return None;
        }
        let (place, anchor) = target.split_once('#').map_or((target, None), |(p, a)| (p, Some(a)));
        let path = self.folder().join(place);
        if !path.exists() {
            return Some(format!("{target} is not there"));
        }
        if let Some(anchor) = anchor {
            let anchors = match place {
                "" => self.anchors(),
                _ => Self::read(path).anchors(),
            };
            return (!anchors.contains(anchor)).then(|| format!("{target} has no such heading"));
        }
        let name = test_name(shown, place)?;
        let text = fs::read_to_string(path).expect("it can be read");
        (!has_test(&text, name)).then(|| format!("{place} has no test {name}"))
    }

    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).expect("it can be read");
        Self::new(path, &text)
    }

    fn folder(&self) -> &Path {
        self.path.parent().expect("a page is in a folder")
    }
}

/// Returns the name of a test that a link shows.
fn test_name<'a>(shown: &'a str, place: &str) -> Option<&'a str> {
    let name = shown.strip_prefix('`')?.strip_suffix('`')?;
    let is_name = name.contains('_') && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    (is_name && place.ends_with(".rs")).then_some(name)
}

/// Tells whether a test of this name is in a source file.
fn has_test(text: &str, name: &str) -> bool {
    let head = format!("fn {name}()");
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    lines.windows(2).any(|two| two[1].contains(&head) && two[0].contains("test"))
}

fn pages() -> Vec<Page> {
    let docs = fs::read_dir(root().join("docs")).expect("the folder can be read");
    let docs = docs.map(|entry| entry.expect("it can be read").path());
    let mut paths: Vec<_> = docs.filter(|it| it.extension().is_some_and(|it| it == "md")).collect();
    paths.push(root().join("README.md"));
    paths.sort();
    paths.into_iter().map(Page::read).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let (mut broken, mut checked) = (Vec::new(), 0);
    for page in pages() {
        for (shown, target) in page.links() {
            checked += 1;
            let what = page.broken(&shown, &target);
            broken.extend(what.map(|what| format!("{}: {what}", page.path.display())));
        }
    }
    assert!(checked > 100, "only {checked} links");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_page_is_linked_to() {
    let pages = pages();
    let mut linked = BTreeSet::new();
    for page in &pages {
        let places = page.links().into_iter().filter_map(|(_, to)| {
            let place = to.split('#').next().filter(|place| !place.is_empty())?;
            page.folder().join(place).canonicalize().ok()
        });
        linked.extend(places);
    }
    let alone = |page: &&Page| {
        let path = page.path.canonicalize().expect("it is there");
        !path.ends_with("README.md") && !linked.contains(&path)
    };
    let alone: Vec<_> = pages.iter().filter(alone).map(|page| &page.path).collect();
    assert!(alone.is_empty(), "nothing leads to {alone:?}");
}

#[test]
fn every_invariant_has_a_test() {
    let pages = pages();
    let page = pages.iter().find(|page| page.path.ends_with("architecture.md")).expect("a page");
    let from = page.lines.iter().skip_while(|line| *line != "## Invariants").skip(1);
    let text: Vec<_> = from.take_while(|line| !line.starts_with("## ")).cloned().collect();
    let number = |line: &str| line.split_once(". ").and_then(|(n, _)| n.parse::<usize>().ok());
    let begins: Vec<_> = (0..text.len()).filter(|at| number(&text[*at]).is_some()).collect();
    assert!(begins.len() >= 11, "only {} invariants", begins.len());
    for (n, &begin) in begins.iter().enumerate() {
        assert_eq!(number(&text[begin]), Some(n + 1), "{}", text[begin]);
        let end = begins.get(n + 1).copied().unwrap_or(text.len());
        let item = Page { path: page.path.clone(), lines: text[begin..end].to_vec() };
        let has_one = item.links().iter().any(|(shown, to)| test_name(shown, to).is_some());
        assert!(has_one, "no test of: {}", text[begin]);
    }
}

#[test]
fn what_leads_nowhere_is_found() {
    let text = "# One `a` & two\n## Same\n## Same\n[x](#one-a--two) `[no](link)` [y](#same-1) \
                [z](#same-2)\n```\n# no heading, [no](link)\n```\n[`a_b`](pages.rs) \
                [`what_leads_nowhere_is_found`](pages.rs) [gone](none.md) [o](https://example.com)";
    let page = Page::new(root().join("tests/tidy/a.md"), text);
    assert_eq!(page.anchors().into_iter().collect::<Vec<_>>(), ["one-a--two", "same", "same-1"]);
    let links = page.links();
    assert_eq!(links.len(), 7, "{links:?}");
    let told: Vec<_> = links.iter().filter_map(|(shown, to)| page.broken(shown, to)).collect();
    let wanted =
        ["#same-2 has no such heading", "pages.rs has no test a_b", "none.md is not there"];
    assert_eq!(told, wanted);
}
