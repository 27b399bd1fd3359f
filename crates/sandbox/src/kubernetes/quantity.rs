//! Quantities: how much of something is asked for, or there.
use serde_json::Value;

/// Reads a quantity in thousandths of its unit; nothing for what is none.
pub(super) fn thousandths(value: &Value) -> Option<u128> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let thousandths = format!("{part:0<3}");
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let number = whole * 1000 + thousandths.get(..3)?.parse::<u128>().ok()?;
    Some(match unit {
        "m" => number.div_ceil(1000),
        "" => number,
        "k" => number * 1000,
        "M" => number * 1_000_000,
        "G" => number * 1_000_000_000,
        "T" => number * 1_000_000_000_000,
        "Ki" => number << 10,
        "Mi" => number << 20,
        "Gi" => number << 30,
        "Ti" => number << 40,
        _ => return None,
    })
}

/// Returns how many GiB a quantity of storage needs.
pub(super) fn gib(value: &Value) -> u64 {
    let bytes = thousandths(value).unwrap_or(0).div_ceil(1000);
    bytes.div_ceil(1 << 30) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_have_units() {
        for (text, wanted) in [
            (json!("500m"), Some(500)),
            (json!(7), Some(7_000)),
            (json!("0.5"), Some(500)),
            (json!("60500Mi"), Some(60_500 * 1024 * 1024 * 1000)),
            (json!("1G"), Some(1_000_000_000_000)),
            (json!("x"), None),
        ] {
            assert_eq!(thousandths(&text), wanted, "{text}");
        }
        assert_eq!(gib(&json!("1500Mi")), 2);
    }
}
