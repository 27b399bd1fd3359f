//! What went wrong, in a word that scripts rely on.
//!
//! The page `docs/errors.md` is made of this table. A code that nothing fails with does not compile:
//! it is a variant that is never constructed.
use super::Exit;

macro_rules! codes {
    ($($name:ident = $text:literal, $exit:ident, $means:literal, $remedy:literal;)*) => {
        /// The code of a failure; never renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code { $($name),* }

        impl Code {
            /// Returns the code as scripts read it.
            pub(crate) fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// Returns what the program exits with, where nothing else is more telling.
            pub(crate) fn exit(self) -> Exit {
                match self { $(Self::$name => Exit::$exit),* }
            }

            /// Every code, with what it means and what to do, for the documentation.
            #[cfg(test)]
            pub(crate) const ALL: &[(Self, &str, &str)] = &[$((Self::$name, $means, $remedy)),*];
        }
    };
}

codes! {
    Usage = "usage", Usage,
        "the command line cannot be read: an unknown command or flag, or a value that is none",
        "see `provision COMMAND --help`, or [the commands](commands.md)";
    UsageAddress = "usage.address", Usage,
        "`--adopt`, `--replace` or `state` names an address where there is nothing, or `--adopt` an id where a name tells it",
        "`provision plan` and `provision state list` show the addresses";
    UsageApproval = "usage.approval", Usage,
        "a command that asks before it changes anything has nobody to ask",
        "add `--auto-approve`, or apply a saved plan";
    UsageEnvironment = "usage.environment", Usage,
        "`PROVISION_LOG` holds no filter of log lines",
        "mend or unset the variable";
    UsageProvider = "usage.provider", Usage,
        "`token` is asked for a provider that makes none",
        "name the provider of the cluster";
    UsageSandbox = "usage.sandbox", Usage,
        "the embedded sandbox is asked for where it cannot be reached: by `kubeconfig`, or beside \
         `verify --kubeconfig`",
        "leave `--sandbox` out; `provision sandbox serve` keeps one up for everybody";
    UsageSandboxSpeed = "usage.sandbox-speed", Usage,
        "`--sandbox-speed` stands without `--sandbox`",
        "add the one or leave the other out";
    UsageSavedPlan = "usage.saved-plan", Usage,
        "`apply PLAN` is given `--adopt` or `--replace`",
        "give them to the `plan --out` that saves the plan";
    UsageUnsupported = "usage.unsupported", Usage,
        "what is asked for is not built yet",
        "leave it out";
    FileImpossible = "file.impossible", Mismatch,
        "the file asks for what the cloud does not have, such as a machine, zone or version, or needs \
         a fact that is not on record yet",
        "write one of those that the error lists; without a cloud, `plan` or `apply` first";
    FileInvalid = "file.invalid", Mismatch,
        "the cluster file has mistakes, each of which is an element of `problems` with [a code of its \
         own](#mistakes-in-a-cluster-file)",
        "mend all of them: they are told at once, with line, column and hint";
    FileUnreadable = "file.unreadable", Mismatch,
        "the cluster file or saved plan is not there, or may not be read",
        "name the file, or write one with `provision init`";
    ChartNone = "chart.none", Mismatch,
        "`helm-values` of a profile for which no chart is known",
        "write the values by hand";
    ClusterNone = "cluster.none", Mismatch,
        "`kubeconfig` or `verify` of a cluster that is not on record",
        "`provision apply` makes it; `verify --kubeconfig` looks at one of somebody else";
    FactsMissing = "facts.missing", Mismatch,
        "`helm-values` needs what the first apply records",
        "`provision apply` first";
    KubeconfigUnfit = "kubeconfig.unfit", Mismatch,
        "a kubeconfig cannot be changed safely, and was left as it is; or `verify` finds no way into a \
         cluster in it",
        "name another file or context, as the hint says";
    ProviderUnknown = "provider.unknown", Mismatch,
        "this build of the program was made without that provider",
        "use one that was made with it";
    SupportNone = "support.none", Mismatch,
        "`kubeconfig --support` where support is not let in: the file does not say so, or it was not \
         applied, or it has expired",
        "write `support: { access: admin }` and apply it; after its end a later `expires`";
    StateDamaged = "state.damaged", Mismatch,
        "an entry of the state is missing or was changed",
        "[restore the backup](operations.md#a-damaged-state)";
    StateForeign = "state.foreign", Mismatch,
        "the file is not a state",
        "name another one with `--state`";
    StateMismatch = "state.mismatch", Mismatch,
        "the state is of another cluster, provider or region than the file",
        "put the file back as it was, or name another state with `--state`";
    StateMissing = "state.missing", Mismatch,
        "`destroy` finds no state, and the cluster is there or `--state` names the file",
        "name the right file; for a lost one see [operations](operations.md#a-lost-state)";
    StateNewer = "state.newer", Mismatch,
        "a later version of the program wrote the state",
        "use that version";
    StateScope = "state.scope", Mismatch,
        "the credentials lead to another account than the state's, or one of the two is of the \
         sandbox",
        "use the credentials of the account that the error names; add `--sandbox`, or leave it out";
    StateUnreadable = "state.unreadable", Mismatch,
        "the state may not be read",
        "mend its permissions";
    ProbeLeft = "probe.left", Failed,
        "pods that `verify --probe` made could not be removed; the error names them",
        "delete them with the command of the hint; those that run end by themselves within half an hour";
    ProbeStopped = "probe.stopped", Interrupted,
        "a signal stopped `verify --probe`, whose pods are removed",
        "run it again";
    KubeconfigLocked = "kubeconfig.locked", Locked,
        "somebody else writes that kubeconfig",
        "run it again; if nobody does, remove the lock file that the hint names";
    StateLocked = "state.locked", Locked,
        "[another run](operations.md#a-locked-state) holds the state; the error names its process, \
         machine and beginning",
        "wait for it to end; a run that died holds no lock";
    StateLock = "state.lock", Failed,
        "the lock file cannot be made or locked",
        "make room, or mend the folder's permissions";
    StateUnwritable = "state.unwritable", Failed,
        "the state cannot be written, so that nothing more was changed in the cloud",
        "make room, or mend the folder's permissions, and run the same command again";
    PlanInvalid = "plan.invalid", Mismatch,
        "the saved plan was changed, or is of another version of the program",
        "make a new plan";
    PlanStale = "plan.stale", Mismatch,
        "the file, the state or the cloud is not as it was when the plan was saved",
        "make a new plan, and look at it again";
    PlanRefused = "plan.refused", Failed,
        "a step would change what is [not ours](operations.md#objects-of-somebody-else), or replace \
         what holds data; 65 with a saved plan",
        "do what the hint says of each";
    PlanUnknown = "plan.unknown", Failed,
        "something could not be looked at, so that nobody knows what to do",
        "run it again when the cloud answers, or let the caller look";
    PlanUnwritable = "plan.unwritable", Failed,
        "the file of `--out` cannot be written",
        "name another one, or make room";
    Protected = "protected", Failed,
        "`destroy` of a cluster with `protect: true`, or a plan that would lose what is in something \
         there",
        "set `protect: false` in the cluster file, and [apply it first](operations.md#a-protected-cluster)";
    NotApproved = "not-approved", Failed,
        "the question was not answered with what approves; nothing was changed",
        "run it again";
    Credentials = "credentials", Credentials,
        "credentials are missing, wrong or [expired](operations.md#expired-credentials), or a role lets \
         nobody in",
        "get fresh ones, and run the same command again";
    CloudCapacity = "cloud.capacity", Failed,
        "the cloud has no room for something that a cluster cannot be without; where a pool lacks machines, the run ends [degraded](operations.md#no-spot-capacity)",
        "try again later, or let it have other machines or zones";
    CloudDenied = "cloud.denied", Failed,
        "the caller lacks a permission, which the hint names",
        "give it; [this is the list of all](reference.md#permissions)";
    CloudQuota = "cloud.quota", Failed,
        "a [limit of the account](operations.md#a-quota) is reached",
        "ask the cloud to raise it, or make room below it";
    Failed = "failed", Failed,
        "anything else that the cloud refused, or that did not answer",
        "do what the hint says, and run the same command again";
    OutputUnwritable = "output.unwritable", Failed,
        "the file of `--out` cannot be written",
        "name another one, make room, or mend the folder's permissions";
    InitExists = "init.exists", Failed,
        "`init` would overwrite a file",
        "name another one, or move it away";
    InitUnwritable = "init.unwritable", Failed,
        "`init` cannot write its files",
        "make room, or mend the folder's permissions";
    Sandbox = "sandbox", Failed,
        "the sandbox cannot start, as when its world cannot be read or written",
        "see the cause; delete world and state to begin anew";
    Lineage = "lineage", Failed,
        "the system has no randomness to give",
        "run it on a machine that has";
    Manual = "man", Failed,
        "the manual page cannot be written",
        "see the cause";
    Runtime = "runtime", Failed,
        "the system lets the program wait for nothing, as when it has too many files open",
        "see the cause";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_failures_have_one_code() {
        let texts: BTreeSet<_> = Code::ALL.iter().map(|(code, ..)| code.text()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
