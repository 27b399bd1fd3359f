//! Answers in pages.
use super::refusal::Refusal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The page of a listing that was asked for.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// At most so many items.
    pub(crate) size: Option<usize>,
    /// Where the last page ended.
    pub(crate) token: Option<String>,
}

impl Page {
    /// Cuts the page out of all items. A token names the last item of the page before, so that what
    /// comes and goes between two pages moves nothing else.
    ///
    /// # Errors
    /// When the token is none of ours.
    pub(crate) fn cut<T>(
        &self,
        mut items: Vec<T>,
        name: impl Fn(&T) -> String,
        wrong: impl Fn() -> Refusal,
    ) -> Result<(Vec<T>, Option<String>), Refusal> {
        items.sort_by_key(|item| name(item));
        if let Some(token) = &self.token {
            let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong())?;
            let after = String::from_utf8(bytes).map_err(|_| wrong())?;
            items.retain(|item| name(item) > after);
        }
        let size = self.size.unwrap_or(usize::MAX).max(1);
        let more = items.len() > size;
        items.truncate(size);
        let last = items.last().filter(|_| more);
        let next = last.map(|item| URL_SAFE_NO_PAD.encode(name(item)));
        Ok((items, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_to_the_whole() {
        let all = || vec!["c", "a", "b"];
        let wrong = || Refusal::new("InvalidNextToken", "no");
        let mut page = Page { size: Some(2), token: None };
        let (first, next) = page.cut(all(), |item| (*item).to_owned(), wrong).unwrap();
        page.token = next;
        let (second, end) = page.cut(all(), |item| (*item).to_owned(), wrong).unwrap();
        assert_eq!((first, second, end), (vec!["a", "b"], vec!["c"], None));
        page.token = Some("?".to_owned());
        assert!(page.cut(all(), |item| (*item).to_owned(), wrong).is_err());
    }
}
