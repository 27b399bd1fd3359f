//! Amounts, as Kubernetes writes them.
use serde_json::Value;

const SUFFIXES: [(&str, f64); 16] = [
    ("Ki", 1024.0),
    ("Mi", 1024.0 * 1024.0),
    ("Gi", 1024.0 * 1024.0 * 1024.0),
    ("Ti", 1024.0 * 1024.0 * 1024.0 * 1024.0),
    ("Pi", 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0),
    ("Ei", 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
    ("", 1.0),
];

/// Reads an amount; 0 where there is none.
fn number(value: &Value) -> f64 {
    read(value).unwrap_or(0.0)
}

fn read(value: &Value) -> Option<f64> {
    let written = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if let Ok(number) = written.parse() {
        return Some(number);
    }
    let of = |(suffix, factor): &(&str, f64)| {
        written.strip_suffix(suffix)?.parse::<f64>().ok().map(|number| number * factor)
    };
    SUFFIXES.iter().find_map(of)
}

/// Tells whether two values are one amount, however it is written.
pub(crate) fn is_same(one: &Value, other: &Value) -> bool {
    match (read(one), read(other)) {
        (Some(one), Some(other)) => {
            (one - other).abs() <= f64::EPSILON * one.abs().max(other.abs())
        }
        _ => false,
    }
}

/// Returns an amount of processors, in thousandths of a core.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "amounts are small")]
pub(super) fn millicores(value: &Value) -> u64 {
    (number(value) * 1000.0).round() as u64
}

/// Returns an amount of memory, in bytes.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "amounts are small")]
pub(super) fn bytes(value: &Value) -> u64 {
    number(value).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_read_however_they_are_written() {
        for (written, wanted) in [
            (json!("7910m"), 7_910),
            (json!("8"), 8_000),
            (json!(8), 8_000),
            (json!("0.5"), 500),
            (json!("1k"), 1_000_000),
            (json!("1e1"), 10_000),
            (json!("what"), 0),
            (Value::Null, 0),
        ] {
            assert_eq!(millicores(&written), wanted, "{written}");
        }
        assert_eq!(bytes(&json!("2Ki")), 2048);
        assert_eq!(bytes(&json!("1.5Gi")), 1_610_612_736);
        assert_eq!(bytes(&json!("80G")), 80_000_000_000);
    }
}
