//! What the README shows is what a new user sees who types it.
use crate::cloud::environment;
use crate::folder::Ran;
use crate::judge::Calls;
use crate::served::{RECORD, Served};
use crate::shown::{Typed, compare, document, typed};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Puts placeholders in the place of times and how long something took.
fn timeless(line: &str) -> String {
    let is_time = |word: &str| {
        let digits = word.trim_matches(['[', ']', '.', ',', '(', ')']);
        let is_of = |c: char| c.is_ascii_digit() || "hms:".contains(c);
        digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.contains(['h', 'm', 's', ':'])
            && digits.chars().all(is_of)
    };
    // Short times have a space within their brackets.
    let line = line.replace("[ ", "[");
    let words = line.split(' ').map(|word| if is_time(word) { "TIME" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// Somebody with a shell, the program on the PATH and nothing else.
struct User {
    home: TempDir,
    variables: Vec<(String, String)>,
}

impl User {
    fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a folder can be made"), variables: Vec::new() }
    }

    fn types(&self, line: &str) -> Ran {
        let program = Path::new(env!("CARGO_BIN_EXE_provision"));
        let program = program.parent().expect("it is in a folder").display().to_string();
        let path = std::env::var("PATH").expect("there is one");
        let mut command = Command::new("sh");
        environment(&mut command)
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .env_remove("AWS_DEFAULT_REGION")
            .args(["-c", line])
            .current_dir(self.home.path())
            .env("HOME", self.home.path())
            .env("PATH", format!("{program}:{path}"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.output().expect("a shell runs").into()
    }

    /// Types it, and checks that what is shown of it is so.
    fn sees(&self, typed: &Typed) {
        let Ran { code, stdout, stderr } = self.types(&typed.line);
        assert_eq!(code, Some(0), "{}\n{stdout}\n{stderr}", typed.line);
        compare(typed, &format!("{stderr}{stdout}"), timeless);
    }
}

#[test]
fn the_way_from_nothing_to_a_cluster_and_back_is_as_the_readme_shows_it() {
    let all = typed(&document("README.md"), "the way");
    for word in ["init", "plan", "apply", "verify", "helm-values", "destroy"] {
        let line = format!("provision {word} ");
        assert!(all.iter().any(|it| it.line.starts_with(&line)), "it shows no {word}");
    }
    let mut user = User::new();
    let calls = Calls::new();
    let path = calls.path().to_str().expect("the path is text");
    user.variables.push((RECORD.to_owned(), path.to_owned()));
    all.iter().for_each(|typed| user.sees(typed));
}

#[test]
fn kubectl_gets_into_a_cluster_on_the_sandbox_as_the_readme_shows_it() {
    let all = typed(&document("README.md"), "kubectl");
    let [serve, set @ .., apply, kubeconfig, kubectl] = &all[..] else { panic!("too few") };
    assert_eq!(serve.line, "provision sandbox serve &");
    let url = serve.shown[0].trim_start_matches("{\"aws\":\"").trim_end_matches("\"}");
    let served = Served::start();
    let mut user = User::new();
    for pair in set.iter().flat_map(|it| it.line.trim_start_matches("export ").split(' ')) {
        let (name, value) = pair.split_once('=').expect("a name and a value");
        let value = match name {
            "PROVISION_TIME_SCALE" => "1000".to_owned(),
            _ => value.replace(url, &served.url),
        };
        user.variables.push((name.to_owned(), value));
    }
    assert!(user.variables.iter().any(|(_, value)| *value == served.url), "{:?}", user.variables);
    let init = "provision init --provider eks --name acme-prod --region us-east-1";
    assert_eq!(user.types(init).code, Some(0));
    user.sees(apply);
    user.sees(kubeconfig);
    user.sees(kubectl);
}
