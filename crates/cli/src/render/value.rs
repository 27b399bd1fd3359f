//! Values of specs, in one line.
use provision_core::Marks;
use serde_json::Value;

/// What is written where there is no value.
const NONE: &str = "(none)";

/// Returns address and output if `value` is a reference that is not known yet.
pub(super) fn reference(value: &Value) -> Option<(&str, &str)> {
    Some((value.get("$from")?.as_str()?, value.get("output")?.as_str()?))
}

/// Writes a value in one line: a reference as `(vpc.id)`, text of several lines by their number,
/// maps without our marks.
pub(super) fn compact(value: &Value) -> String {
    if let Some((from, output)) = reference(value) {
        return format!("({from}.{output})");
    }
    if let Some(taint) = taint(value) {
        return taint;
    }
    match value {
        Value::Null => NONE.to_owned(),
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => match text.lines().count() {
            0 | 1 => text.clone(),
            lines => format!("({lines} lines)"),
        },
        Value::Array(items) if items.is_empty() => NONE.to_owned(),
        Value::Array(items) => items.iter().map(compact).collect::<Vec<_>>().join(", "),
        Value::Object(map) => {
            let shown = map.iter().filter(|(key, _)| !Marks::is_mark(key));
            let pairs: Vec<_> = shown.map(|(k, v)| format!("{k}: {}", nested(v))).collect();
            match pairs.is_empty() {
                true => NONE.to_owned(),
                false => format!("{{{}}}", pairs.join(", ")),
            }
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Writes a taint as `kubectl` does.
fn taint(value: &Value) -> Option<String> {
    let text = |name| value.get(name).and_then(Value::as_str);
    let (key, effect) = (text("key")?, text("effect")?);
    Some(match text("value") {
        None | Some("") => format!("{key}:{effect}"),
        Some(value) => format!("{key}={value}:{effect}"),
    })
}

/// Tells whether a value says nothing that a reader would miss.
pub(super) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

fn nested(value: &Value) -> String {
    match value {
        Value::Array(_) => format!("[{}]", compact(value)),
        _ => compact(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_take_one_line_and_marks_are_left_out() {
        assert_eq!(compact(&json!({"$from": "vpc", "output": "id"})), "(vpc.id)");
        assert_eq!(compact(&json!(["a", 1, true])), "a, 1, true");
        assert_eq!(compact(&json!("a\nb")), "(2 lines)");
        assert_eq!(compact(&json!({"provision-lineage": "x", "a": ["b"]})), "{a: [b]}");
        assert_eq!(compact(&json!({"provision-lineage": "x"})), "(none)");
        let taint = json!({"key": "dedicated", "value": "spark", "effect": "NO_SCHEDULE"});
        assert_eq!(compact(&taint), "dedicated=spark:NO_SCHEDULE");
    }
}
