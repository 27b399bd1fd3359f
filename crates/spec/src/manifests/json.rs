//! What a manifest says, as the API reads it.
use crate::source::Report;
use crate::tree::{Kind, Node, Scalar, Span, Value};
use serde_json::{Map, Number, Value as Json};

/// Words that are true or false to some readers of YAML, and text to others.
const DOUBTFUL: [&str; 6] = ["y", "yes", "n", "no", "on", "off"];

/// Returns what a value says. Fields that hold nothing count as left out.
pub(super) fn json(report: &Report, node: &Node) -> Json {
    match &node.value {
        Value::Scalar(scalar) => of_scalar(report, scalar, node.span),
        Value::List(items) => items.iter().map(|item| json(report, item)).collect(),
        Value::Map(entries) => {
            let entries = entries.iter().map(|it| (it.key.clone(), json(report, &it.value)));
            Json::Object(entries.filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
        }
    }
}

fn of_scalar(report: &Report, scalar: &Scalar, span: Span) -> Json {
    let text = scalar.text.as_str();
    let lower = text.to_ascii_lowercase();
    match scalar.kind() {
        _ if !scalar.plain => text.into(),
        Kind::Null => Json::Null,
        Kind::Boolean => Json::Bool(text == "true"),
        _ if lower == "true" || lower == "false" => Json::Bool(lower == "true"),
        _ if DOUBTFUL.contains(&lower.as_str()) => {
            let message = "a word without quotes is true or false to some, and text to others";
            let hint = Some("write `true` or `false`, or put it in quotes".to_owned());
            report.refuse("file.invalid-value", span, message, hint);
            Json::Null
        }
        _ => match number(text) {
            Some(number) => number,
            None if scalar.kind() == Kind::Number => {
                let message = "a number is of a form that is read in different ways";
                let hint = Some("write its digits without leading zeros, or quote it".to_owned());
                report.refuse("file.invalid-value", span, message, hint);
                Json::Null
            }
            None => text.into(),
        },
    }
}

/// Reads a number. One that begins with a zero is octal, as the modes of files are written.
fn number(text: &str) -> Option<Json> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let is_of = |digits: &str, base: u32| {
        !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(base))
    };
    let based = [("0x", 16), ("0o", 8), ("0", 8)].into_iter().find_map(|(prefix, base)| {
        let digits = digits.strip_prefix(prefix)?;
        is_of(digits, base).then(|| i64::from_str_radix(digits, base).ok())?
    });
    if let Some(number) = based {
        return Some((sign * number).into());
    }
    let is_whole = is_of(digits, 10);
    if is_whole && digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    let whole = is_whole.then(|| text.trim_start_matches('+'));
    let whole = whole.and_then(|text| {
        text.parse::<i64>().map(Json::from).or_else(|_| text.parse::<u64>().map(Json::from)).ok()
    });
    let fraction = || {
        let has_digits = text.contains(|c: char| c.is_ascii_digit());
        let number = text.parse::<f64>().ok().filter(|_| has_digits)?;
        Number::from_f64(number).map(Json::Number)
    };
    whole.or_else(fraction)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::Source;
    use crate::tree::parse_all;

    fn read(text: &str) -> Result<Json, String> {
        let report = Report::new(Source::new("a.yaml", text.as_bytes()).unwrap());
        let nodes = parse_all(&report).unwrap();
        let json = json(&report, &nodes[0]);
        report.finish(json).map_err(|problems| problems.to_string())
    }

    #[test]
    fn values_are_read_as_the_api_reads_them() {
        for (text, wanted) in [
            ("a: 0644", json!({ "a": 420 })),
            ("a: 0o644", json!({ "a": 420 })),
            ("a: 0x1F", json!({ "a": 31 })),
            ("a: -3", json!({ "a": -3 })),
            ("a: +3", json!({ "a": 3 })),
            ("a: 0", json!({ "a": 0 })),
            ("a: 18446744073709551615", json!({ "a": u64::MAX })),
            ("a: 1.30", json!({ "a": 1.3 })),
            ("a: 1.2.3", json!({ "a": "1.2.3" })),
            ("a: 100m", json!({ "a": "100m" })),
            ("a: True", json!({ "a": true })),
            ("a: \"yes\"", json!({ "a": "yes" })),
            ("a: \"1\"", json!({ "a": "1" })),
            ("a: ~\nb: [1, {}]", json!({ "b": [1, {}] })),
            ("a: |\n  x\n  y\n", json!({ "a": "x\ny\n" })),
            ("a: inf", json!({ "a": "inf" })),
        ] {
            assert_eq!(read(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_read_in_different_ways_is_refused() {
        for (text, words) in [
            ("a: yes", "a.yaml:1:4: a word without quotes"),
            ("a: [Off]", "a.yaml:1:5: a word without quotes"),
            ("a: 089", "a.yaml:1:4: a number is of a form"),
            ("a: 1e999", "a.yaml:1:4: a number is of a form"),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.contains(words), "{told}");
        }
    }
}
