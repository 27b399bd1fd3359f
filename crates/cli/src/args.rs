//! The command line.
use crate::failure::{Code, Failure};
use crate::logging;
use clap::{Args, Parser, Subcommand, ValueEnum};
use provision_engine::Stop;
use provision_sandbox::{Credential, Speed};
use provision_spec::{Profile, Taint};
use std::ffi::OsString;
use std::path::PathBuf;

/// Creates and looks after the Kubernetes cluster that a data platform runs on.
#[derive(Debug, Parser)]
#[command(name = "provision", version, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Where the state is; by default `<name>.state.jsonl` beside the cluster file.
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) state: Option<String>,
    /// Work on the embedded simulated cloud; needs no account and no network.
    #[arg(long, global = true)]
    pub(crate) sandbox: bool,
    /// How much faster than a real cloud the simulated one is, or `instant`; by default 600 on a
    /// terminal and else instant.
    #[arg(long, global = true, value_name = "N|instant")]
    pub(crate) sandbox_speed: Option<Speed>,
    /// How many cloud calls may be under way at once.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) parallelism: Option<u16>,
    /// Print machine-readable output.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print no colours.
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// How log lines on standard error look.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
    /// Log every call that changes something; twice, every call.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Print nothing but failures.
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
    /// Asked when a signal says to stop.
    #[arg(skip)]
    pub(crate) stop: Stop,
}

impl Global {
    /// Tells whether errors are JSON: with JSON log lines, standard error is JSON alone.
    pub(crate) fn errors_are_json(&self) -> bool {
        self.json || self.log_format == LogFormat::Json
    }

    /// Tells whether log lines are to be expected where a moving display would be.
    pub(crate) fn logs(&self) -> bool {
        self.verbose > 0 || self.log_format == LogFormat::Json || logging::variable().is_some()
    }

    /// Refuses flags that contradict each other, and by name what is not built yet.
    pub(crate) fn check(&self, command: &Command) -> Result<(), Failure> {
        if self.sandbox_speed.is_some() && !self.sandbox && !matches!(command, Command::Sandbox(_))
        {
            let error = "--sandbox-speed says nothing without --sandbox";
            return Err(Failure::new(Code::UsageSandboxSpeed, error));
        }
        let unsupported = |what: &str| {
            let error = format!("{what} is not supported yet");
            Err(Failure::new(Code::UsageUnsupported, error))
        };
        match &self.state {
            Some(state) if state.contains("://") => unsupported("a state that is not a local file"),
            _ => Ok(()),
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Tells whether arguments that could not be read ask for JSON on standard error.
pub(crate) fn want_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let arguments: Vec<_> = arguments.take_while(|argument| argument != "--").collect();
    let split = |pair: &[OsString]| pair[0] == "--log-format" && pair[1] == "json";
    arguments.windows(2).any(split)
        || arguments.iter().any(|one| one == "--json" || one == "--log-format=json")
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a short cluster file to begin with.
    Init(InitArgs),
    /// Check the cluster file; needs no credentials and no network.
    Validate(FileArgs),
    /// Show what apply would do; changes nothing.
    Plan(PlanArgs),
    /// Make the cluster what the file says; goes on where an earlier run stopped.
    Apply(ApplyArgs),
    /// Remove everything that is ours, and nothing else.
    Destroy(DestroyArgs),
    /// Show the recorded resources and outputs.
    Show(ShowArgs),
    /// Look at the record, or take an object off it.
    State(StateArgs),
    /// Print the values that tell the platform's chart about the cluster; asks no cloud.
    HelmValues(HelmValuesArgs),
    /// Print a kubeconfig for the cluster, or put its entries into one; asks no cloud but with
    /// --support.
    Kubeconfig(KubeconfigArgs),
    /// Print a token that lets the caller into a cluster, as kubectl asks for one.
    Token(TokenArgs),
    /// Tell whether a living cluster, ours or not, is what the platform needs.
    Verify(VerifyArgs),
    /// Draw the graph of the cluster file in DOT, from recorded facts; asks no cloud.
    Graph(FileArgs),
    /// Print the JSON Schema of the cluster file, for editors.
    Schema,
    /// Print a script that completes commands and flags in a shell.
    Completions(CompletionsArgs),
    /// Print the manual page.
    Man,
    /// The simulated clouds, for other clients.
    Sandbox(SandboxArgs),
}

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    #[command(subcommand)]
    pub(crate) command: SandboxCommand,
}

/// What to do with the simulated clouds.
#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Serve them on loopback until stopped; prints where as one line of JSON.
    Serve(ServeArgs),
}

/// Arguments of `sandbox serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where the world is kept; in memory unless named.
    #[arg(long, value_name = "PATH")]
    pub(crate) world: Option<PathBuf>,
    /// An access key and its secret that are accepted too, and the account whose key it is.
    #[arg(long, value_name = "ID:SECRET[:ACCOUNT[:PARTITION]]")]
    pub(crate) credential: Vec<Credential>,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The cloud.
    #[arg(long, value_name = "P")]
    pub(crate) provider: String,
    /// The name of the cluster: lowercase words joined by `-`, at most 20 characters.
    #[arg(long, value_name = "N")]
    pub(crate) name: String,
    /// The region, in the cloud's own words.
    #[arg(long, value_name = "R")]
    pub(crate) region: String,
    /// Where defaults come from: qualytics or none.
    #[arg(long, value_name = "PROFILE", default_value = "qualytics")]
    pub(crate) profile: String,
    #[command(flatten)]
    pub(crate) file: FileArgs,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// The cluster file.
#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// The cluster file.
    #[arg(value_name = "FILE", default_value = "provision.yaml")]
    pub(crate) file: PathBuf,
}

/// What a plan may take over or replace.
#[derive(Debug, Default, Args)]
pub(crate) struct Consents {
    /// Take over an object of somebody else at this address; with its id where it has no name.
    #[arg(long, value_name = "ADDRESS[=ID]")]
    pub(crate) adopt: Vec<String>,
    /// Delete the object at this address and make it again.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) replace: Vec<String>,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) file: FileArgs,
    #[command(flatten)]
    pub(crate) consents: Consents,
    /// Save the plan, to be carried out by `apply PLAN`.
    #[arg(long, value_name = "PLAN")]
    pub(crate) out: Option<PathBuf>,
    /// Exit with 2 when there is something to do.
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    /// Plan against the state and the recorded facts alone.
    #[arg(long)]
    pub(crate) offline: bool,
}

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// The cluster file, or a saved plan.
    #[arg(value_name = "FILE|PLAN", default_value = "provision.yaml")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) consents: Consents,
    /// Do not ask.
    #[arg(long)]
    pub(crate) auto_approve: bool,
}

/// Arguments of `destroy`.
#[derive(Debug, Args)]
pub(crate) struct DestroyArgs {
    /// The cluster file; not needed with `--state`.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Do not ask.
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Also delete the volumes that the cluster's workloads left behind.
    #[arg(long)]
    pub(crate) delete_volumes: bool,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) file: FileArgs,
    /// Print the cluster file with every default instead.
    #[arg(long)]
    pub(crate) resolved: bool,
}

/// Arguments of `helm-values`.
#[derive(Debug, Args)]
pub(crate) struct HelmValuesArgs {
    #[command(flatten)]
    pub(crate) file: FileArgs,
    /// Write them there instead.
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
}

/// Arguments of `kubeconfig`.
#[derive(Debug, Args)]
pub(crate) struct KubeconfigArgs {
    #[command(flatten)]
    pub(crate) file: FileArgs,
    /// Put the entries into that kubeconfig, which is made if there is none.
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// Write a kubeconfig of its own there that lets the vendor's support in, with a token that ends
    /// no later than its access; a secret.
    #[arg(long, value_name = "PATH", conflicts_with = "out")]
    pub(crate) support: Option<PathBuf>,
}

/// Arguments of `token`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TokenArgs {
    /// The cloud.
    #[arg(long, value_name = "P")]
    pub(crate) provider: String,
    /// The region of the cluster.
    #[arg(long, value_name = "R")]
    pub(crate) region: String,
    /// The name of the cluster.
    #[arg(long, value_name = "N")]
    pub(crate) cluster: String,
    /// The role to take on first.
    #[arg(long, value_name = "ARN", default_value = "", hide_default_value = true)]
    pub(crate) role: String,
    /// The word that the role asks for.
    #[arg(long, value_name = "WORD", default_value = "", hide_default_value = true)]
    pub(crate) external_id: String,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The cluster file.
    #[arg(value_name = "FILE", default_value = "provision.yaml", conflicts_with = "kubeconfig")]
    pub(crate) file: PathBuf,
    /// Look at the cluster that this kubeconfig leads to instead; it needs no cluster file.
    #[arg(long, value_name = "PATH")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig, where it is not the current one.
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    pub(crate) context: Option<String>,
    /// Whose needs a cluster without a cluster file is to meet: qualytics or none.
    #[arg(
        long,
        value_name = "PROFILE",
        default_value = "qualytics",
        requires = "kubeconfig",
        value_parser = profile
    )]
    pub(crate) profile: Profile,
    /// A label that nodes are to have, instead of those of the profile.
    #[arg(long, value_name = "KEY=VALUE", requires = "kubeconfig", value_parser = label)]
    pub(crate) label: Vec<(String, String)>,
    /// A taint that the platform's pods tolerate; without a value, whatever that is.
    #[arg(long, value_name = "KEY[=VALUE]:EFFECT", requires = "kubeconfig")]
    pub(crate) tolerate: Vec<Taint>,
    /// Also let a pod of the platform's size run in each pool, with a volume, and remove it again;
    /// nothing else is changed.
    #[arg(long)]
    pub(crate) probe: bool,
    /// The image of that pod, where nodes do not reach that of Kubernetes; it is to run until it is
    /// stopped.
    #[arg(
        long,
        value_name = "IMAGE",
        requires = "probe",
        default_value = "registry.k8s.io/pause:3.10"
    )]
    pub(crate) probe_image: String,
}

/// Reads the word of a profile.
fn profile(word: &str) -> Result<Profile, String> {
    let found = Profile::WORDS.into_iter().find(|(its, _)| *its == word);
    let words = || Profile::WORDS.map(|(word, _)| word).join(" or ");
    found.map(|(_, profile)| profile).ok_or_else(|| format!("it is {}", words()))
}

/// Reads a label.
fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it is written KEY=VALUE, as in appNodes=true".to_owned()),
    }
}

/// Arguments of `state`.
#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    #[command(subcommand)]
    pub(crate) command: StateCommand,
    /// The cluster file.
    #[arg(short = 'f', long, global = true, value_name = "FILE", default_value = "provision.yaml")]
    pub(crate) file: PathBuf,
}

/// What to do with the record.
#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// List the recorded addresses.
    List,
    /// Show what is recorded at an address.
    Show {
        /// The address.
        address: String,
    },
    /// Take an object off the record; it stays in the cloud, without our marks.
    Forget {
        /// The address.
        address: String,
    },
}
