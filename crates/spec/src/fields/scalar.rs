//! Readers of single values.

use std::ops::RangeInclusive;

use super::{Field, Kind, Scalar, Value, nearest, quote};

impl<'a> Field<'a> {
    /// Reads text. A number or `true` without quotes is taken as it is written.
    pub fn text(&self) -> Option<&'a str> {
        Some(self.scalar("text")?.text.as_str())
    }

    /// Reads text that a function accepts; its error goes on after "the path, found", as in
    /// `("must be lowercase", Some("write `acme`"))`.
    pub fn parse<T>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, (String, Option<String>)>,
    ) -> Option<T> {
        match parse(self.text()?) {
            Ok(parsed) => Some(parsed),
            Err((message, hint)) => {
                let message = format!("{message}, found {}", self.node.describe());
                self.refuse("file.invalid-value", message, hint);
                None
            }
        }
    }

    /// Reads `true` or `false`, without quotes.
    pub fn boolean(&self) -> Option<bool> {
        let scalar = self.scalar("true or false")?;
        if scalar.kind() == Kind::Boolean {
            return Some(scalar.text == "true");
        }
        let hint = match scalar.text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" | "1" | "true" => Some("true"),
            "no" | "off" | "n" | "0" | "false" => Some("false"),
            _ => None,
        };
        let name = self.name;
        let hint = match hint {
            Some(word) => format!("write `{name}: {word}`"),
            None => format!("write `{name}: true` or `{name}: false`"),
        };
        self.refuse_type("true or false", Some(hint));
        None
    }

    /// Reads a whole number within bounds, without quotes or unit.
    pub fn whole(&self, bounds: RangeInclusive<u32>) -> Option<u32> {
        let scalar = self.scalar("a whole number")?;
        let text = scalar.text.as_str();
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !scalar.plain || !is_whole || (digits.len() > 1 && digits.starts_with('0')) {
            let example = 3.clamp(*bounds.start(), *bounds.end());
            let hint = whole_hint(self.name, text)
                .unwrap_or_else(|| format!("write digits alone, as in `{}: {example}`", self.name));
            self.refuse_type("a whole number", Some(hint));
            return None;
        }
        let number = text.parse::<u32>().ok().filter(|number| bounds.contains(number));
        if number.is_none() {
            let (least, most) = (bounds.start(), bounds.end());
            let found = self.node.describe();
            let message = format!("must be between {least} and {most}, found {found}");
            let nearest = if text.starts_with('-') { least } else { most };
            let nearest = text.parse().map_or(*nearest, |number: u32| number.clamp(*least, *most));
            let hint = format!("the nearest is `{}: {nearest}`", self.name);
            self.refuse("file.out-of-range", message, Some(hint));
        }
        number
    }

    /// Reads one of several words.
    pub fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let names = || words.iter().map(|(word, _)| *word);
        let wanted = names().collect::<Vec<_>>().join(", ");
        let text = self.scalar(&format!("one of {wanted}"))?.text.as_str();
        if let Some((_, chosen)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*chosen);
        }
        let hint = match nearest(text, names()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => "write one of these words".to_owned(),
        };
        let message = format!("must be one of {wanted}, found {}", self.node.describe());
        self.refuse("file.unknown-value", message, Some(hint));
        None
    }

    fn scalar(&self, wanted: &str) -> Option<&'a Scalar> {
        self.refuse_null()?;
        if let Value::Scalar(scalar) = &self.node.value {
            return Some(scalar);
        }
        let one = match &self.node.value {
            Value::List(items) => items.first().filter(|_| items.len() == 1),
            _ => None,
        };
        let hint = match one.map(|one| &one.value) {
            Some(Value::Scalar(scalar)) => format!("write {}", quote(&scalar.text)),
            _ => format!("write one value after `{}:`", self.name),
        };
        self.refuse_type(wanted, Some(hint));
        None
    }
}

fn whole_hint(name: &str, text: &str) -> Option<String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = text.split_at(digits);
    let number = number.trim_start_matches('0');
    let fraction = rest.strip_prefix('.').is_some_and(|rest| rest.trim_matches('0').is_empty());
    let unit = !rest.is_empty() && rest.trim_start().chars().all(|c| c.is_ascii_alphabetic());
    let usable = !number.is_empty() && number.len() < 10 && (rest.is_empty() || fraction || unit);
    usable.then(|| match unit {
        true => format!("leave the unit out: `{name}: {number}`"),
        false => format!("write `{name}: {number}`"),
    })
}

#[cfg(test)]
mod tests {
    use crate::source::{Report, Source};
    use crate::tree::parse;

    use super::*;

    /// Reads the field `it` and shows the value, or the first problem with its hint.
    fn read<T: std::fmt::Debug>(value: &str, read: impl Fn(&Field<'_>) -> Option<T>) -> String {
        let text = format!("it: {value}");
        let report = Report::new(Source::new("a.yaml", text.as_bytes()).unwrap());
        let root = parse(&report).unwrap();
        let fields = Field::root(&report, "", &root).fields(&["it"]).unwrap();
        let read = read(&fields.optional("it").unwrap());
        match report.finish(read) {
            Ok(read) => format!("{:?}", read.unwrap()),
            Err(problems) => {
                let problem = problems.into_iter().next().unwrap();
                let hint = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                format!("{}{hint}", problem.message)
            }
        }
    }

    #[test]
    fn reads_whole_numbers() {
        for (value, wanted) in [
            ("3", "3"),
            ("0", "0"),
            ("101", "it must be between 0 and 100, found `101` (the nearest is `it: 100`)"),
            ("-1", "it must be between 0 and 100, found `-1` (the nearest is `it: 0`)"),
            (
                "99999999999999999999",
                "it must be between 0 and 100, found `99999999999999999999` (the nearest is `it: 100`)",
            ),
            ("4.0", "it must be a whole number, found `4.0` (write `it: 4`)"),
            ("4.5", "it must be a whole number, found `4.5` (write digits alone, as in `it: 3`)"),
            ("\"4\"", "it must be a whole number, found the text `4` (write `it: 4`)"),
            ("007", "it must be a whole number, found `007` (write `it: 7`)"),
            ("100Gi", "it must be a whole number, found `100Gi` (leave the unit out: `it: 100`)"),
            ("100 GB", "it must be a whole number, found `100 GB` (leave the unit out: `it: 100`)"),
            ("many", "it must be a whole number, found `many` (write digits alone, as in `it: 3`)"),
            ("[3]", "it must be a whole number, found a list (write `3`)"),
            ("{}", "it must be a whole number, found a map (write one value after `it:`)"),
            ("", "it has no value (write a value, or remove the line to get the default)"),
            ("~", "it has no value (write a value, or remove the line to get the default)"),
        ] {
            assert_eq!(read(value, |field| field.whole(0..=100)), wanted, "{value}");
        }
    }

    #[test]
    fn reads_booleans() {
        for (value, wanted) in [
            ("true", "true"),
            ("false", "false"),
            ("yes", "it must be true or false, found `yes` (write `it: true`)"),
            ("Off", "it must be true or false, found `Off` (write `it: false`)"),
            ("'true'", "it must be true or false, found the text `true` (write `it: true`)"),
            ("maybe", "it must be true or false, found `maybe` (write `it: true` or `it: false`)"),
        ] {
            assert_eq!(read(value, |field| field.boolean()), wanted, "{value}");
        }
    }

    #[test]
    fn reads_choices_lists_and_texts() {
        let choice = |field: &Field<'_>| field.choice(&[("single", 1), ("per-zone", 2)]);
        assert_eq!(read("per-zone", choice), "2");
        assert_eq!(
            read("per_zone", choice),
            "it must be one of single, per-zone, found `per_zone` (did you mean `per-zone`?)"
        );
        let many = |field: &Field<'_>| {
            Field::each(field.one_or_many(), |field| field.text().map(str::to_owned))
        };
        assert_eq!(read("a", many), "[\"a\"]");
        assert_eq!(read("[a, b]", many), "[\"a\", \"b\"]");
        assert_eq!(read("[a, a]", many), "it[1] repeats `a` (remove one of the two)");
        assert_eq!(
            read("a", |field| field.list().map(|_| ())),
            "it must be a list, found `a` (write `[a]`)"
        );
        assert_eq!(
            read("{a: true, b: 1.30}", |field| field.texts()),
            r#"{"a": "true", "b": "1.30"}"#
        );
    }
}
