//! What kinds of mistakes there are.

use super::Problem;

impl Problem {
    /// Lists every code with what it means and what to do, for the documentation.
    pub const CODES: &'static [(&'static str, &'static str, &'static str)] = &[
        ("file.conflict", "two fields contradict each other", "mend the one that is wrong"),
        ("file.control-character", "a character that cannot be seen", "remove it"),
        ("file.documents", "several documents in one file", "make a file of each"),
        ("file.duplicate-field", "a field for the second time", "keep one of the two"),
        ("file.duplicate-item", "an item of a list for the second time", "keep one of the two"),
        ("file.empty", "nothing is in the file", "write one with `provision init`"),
        (
            "file.empty-value",
            "a field without a value",
            "give it one, or leave the field out for its default",
        ),
        ("file.encoding", "the file is not UTF-8 text", "save it as UTF-8"),
        (
            "file.invalid-value",
            "a value that is not of the form which the field has",
            "write it as in the hint",
        ),
        (
            "file.literal-secret",
            "a secret itself stands in the file",
            "name an environment variable or a file that holds it, and get a new secret if the file \
             was shared",
        ),
        ("file.missing-field", "a field that has no default is not there", "add it"),
        (
            "file.not-supported",
            "a field or value whose feature is not built yet",
            "leave it out, or by name, as in the hint",
        ),
        (
            "file.out-of-range",
            "a number that is too small or large, or too many items",
            "keep to the bounds in the message",
        ),
        ("file.syntax", "the file is not YAML", "mend the place that is named"),
        ("file.tab", "a tab in the indentation", "use spaces"),
        ("file.too-deep", "values within values, too many levels deep", "use fewer"),
        ("file.too-large", "a file, value or list of which there is too much", "make it smaller"),
        (
            "file.unknown-field",
            "a field that there is not here",
            "mend the name: the hint has the nearest one",
        ),
        (
            "file.unknown-value",
            "a word that the field does not know",
            "use one of those in the hint",
        ),
        (
            "file.unreadable-manifest",
            "a file of `manifests` is not there, or cannot be read",
            "mend its path, which begins where the cluster file is",
        ),
        (
            "file.unsupported-yaml",
            "an anchor, alias, tag or other part of YAML that a cluster file does without",
            "write the value out",
        ),
        (
            "file.wrong-type",
            "a list where there should be text, or the like",
            "write what the message asks for",
        ),
    ];
}
