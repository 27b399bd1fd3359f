//! What `verify` found, as people read it.
use super::page::Page;
use super::style::{Paint, Style, Word, columns, phrases, words};
use provision_kubernetes::verify::{Status, Verdict};

/// Returns every check of a cluster in one line, and below those that failed what to do.
pub(crate) fn page(style: &Style, url: &str, verdicts: &[Verdict]) -> String {
    let mut page = Page::new(style);
    page.hang(0, &[], &[Word::new(Paint::Bold, "Cluster"), Word::plain("at"), Word::plain(url)]);
    page.gap();
    let width = verdicts.iter().map(|it| columns(&it.id)).max().unwrap_or(0) + 2;
    for verdict in verdicts {
        line(&mut page, verdict, width);
    }
    page.gap();
    let of = |status| verdicts.iter().filter(|it| it.status == status).count();
    let (passed, failed, skipped) = (of(Status::Pass), of(Status::Fail), of(Status::Skip));
    let (paint, said) = match failed {
        0 => (Paint::Green, "The cluster is what the platform needs"),
        _ => (Paint::Red, "The cluster is not what the platform needs"),
    };
    page.paragraph(paint, &format!("{said}: {passed} passed, {failed} failed, {skipped} skipped."));
    page.text()
}

fn line(page: &mut Page, verdict: &Verdict, width: usize) {
    let (paint, word) = match verdict.status {
        Status::Pass => (Paint::Green, "pass"),
        Status::Fail => (Paint::Red, "FAIL"),
        Status::Skip => (Paint::Yellow, "skip"),
    };
    let dim = if verdict.status == Status::Fail { Paint::Plain } else { Paint::Dim };
    let lead = [(Word::new(paint, word), 6), (Word::plain(&verdict.id), width)];
    page.hang(2, &lead, &words(dim, &verdict.found));
    if verdict.status != Status::Fail {
        return;
    }
    for (name, text) in [("wanted", &verdict.wanted), ("hint", &verdict.hint)] {
        let Some(text) = text else { continue };
        let lead = [(Word::new(Paint::Dim, format!("{name}:")), 8)];
        page.hang(8, &lead, &phrases(Paint::Plain, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(id: &str, status: Status, found: &str) -> Verdict {
        let (wanted, hint) = match status {
            Status::Skip => (None, None),
            _ => (
                Some("namespace qualytics".to_owned()),
                Some("`kubectl create namespace qualytics`".to_owned()),
            ),
        };
        Verdict { id: id.to_owned(), status, found: found.to_owned(), wanted, hint }
    }

    #[test]
    fn what_failed_says_what_to_do() {
        let all = [
            verdict("kubernetes.version", Status::Pass, "v1.35.1"),
            verdict("namespace", Status::Fail, "there is no namespace qualytics"),
            verdict("registry.secret", Status::Skip, "there is no namespace qualytics"),
        ];
        let style = Style { color: false, width: 80 };
        insta::assert_snapshot!(page(&style, "https://127.0.0.1:1", &all), @r"
        Cluster at https://127.0.0.1:1

          pass  kubernetes.version  v1.35.1
          FAIL  namespace           there is no namespace qualytics
                wanted: namespace qualytics
                hint:   `kubectl create namespace qualytics`
          skip  registry.secret     there is no namespace qualytics

        The cluster is not what the platform needs: 1 passed, 1 failed, 1 skipped.
        ");
    }
}
