//! Pages of the documentation, parts of which are made of the code.
use std::fs;
use std::path::PathBuf;

const END: &str = "<!-- end -->";

fn path(page: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page)
}

/// Holds parts of a page to what they should be, or makes them so where INSTA_UPDATE says always.
pub(crate) fn hold(page: &str, parts: &[(&str, String)]) {
    let mut text = fs::read_to_string(path(page)).expect("the page is there");
    let accepts = std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always");
    for (part, wanted) in parts {
        let mark =
            format!("<!-- {part}: made of the code, accepted with INSTA_UPDATE=always -->\n");
        let begin = text.find(&mark).expect("the part begins") + mark.len();
        let end = begin + text[begin..].find(END).expect("the part ends");
        assert!(
            accepts || text[begin..end] == **wanted,
            "docs/{page} is behind in its part `{part}`, which is\n{wanted}\nAccept it with \
             INSTA_UPDATE=always and look at what has changed."
        );
        text.replace_range(begin..end, wanted);
    }
    if accepts {
        fs::write(path(page), text).expect("the page can be written");
    }
}

/// Writes a table in Markdown.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let line = |cells: &[String; N]| {
        let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rows: String = rows.iter().map(line).collect();
    format!("{}|{}\n{rows}", line(&head.map(str::to_owned)), "---|".repeat(N))
}
