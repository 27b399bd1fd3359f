//! The embedded simulated cloud, for rehearsals without an account.
use crate::args::Global;
use crate::failure::{Code, Failure};
use crate::render::progress::Time;
use jiff::Timestamp;
use provision_engine::Pace;
use provision_sandbox::{ACCOUNT, Credential, Sandbox, Settings, Speed};
use provision_spec::Simulation;
use std::ffi::OsStr;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How fast a rehearsal is for whoever watches it: a cluster takes about a second.
const WATCHED: Speed = Speed::Times(600.0);

/// Names the file that calls are written into.
const RECORD: &str = "PROVISION_SANDBOX_RECORD";

/// Names the day on which a new world begins.
const DAY: &str = "PROVISION_SANDBOX_DAY";

/// How fast the engine waits while only requests move the simulated clock.
const INSTANT: f64 = 1000.0;

/// A simulated cloud that ends with its owner.
pub(crate) struct Rehearsal {
    sandbox: Sandbox,
    speed: Speed,
}

impl Rehearsal {
    /// Starts the cloud whose world lies beside the state of a cluster.
    pub(crate) fn start(global: &Global, state: &Path, cluster: &str) -> Result<Self, Failure> {
        if Path::new(cluster).file_name() != Some(OsStr::new(cluster)) {
            let error = format!("state {} is of no cluster: {cluster:?}", state.display());
            return Err(Failure::new(Code::StateMismatch, error));
        }
        let speed = speed(global);
        let world = Some(state.with_file_name(format!("{cluster}.sandbox.json")));
        let settings = Settings { world, speed, control: false, open: true, ..Settings::default() };
        let sandbox = start(settings)?;
        Ok(Self { sandbox, speed })
    }

    /// Returns where it answers, and to whom.
    pub(crate) fn simulation(&self) -> Simulation {
        let credential = |account: Option<&str>| {
            let Credential { id, secret, .. } = Credential::of_account(account.unwrap_or(ACCOUNT));
            (id, secret)
        };
        Simulation { url: self.sandbox.aws(), credential }
    }

    /// Begins to count the simulated time.
    pub(crate) fn time(&self) -> Time {
        Time::simulated(self.sandbox.clock())
    }

    /// Tells whether requests alone move its clock.
    pub(crate) fn is_instant(&self) -> bool {
        self.speed == Speed::Instant
    }

    /// Returns how fast the engine waits there.
    pub(crate) fn pace(&self) -> Pace {
        match self.speed {
            Speed::Times(times) => Pace::scaled(times),
            Speed::Instant => Pace::scaled(INSTANT),
        }
    }
}

/// Returns how fast simulated time passes: as asked for, else so that a person can watch.
pub(crate) fn speed(global: &Global) -> Speed {
    let usual = if std::io::stdout().is_terminal() { WATCHED } else { Speed::Instant };
    global.sandbox_speed.unwrap_or(usual)
}

/// Starts a simulated cloud.
pub(crate) fn start(settings: Settings) -> Result<Sandbox, Failure> {
    let recording = std::env::var_os(RECORD).filter(|path| !path.is_empty()).map(PathBuf::from);
    let settings = Settings { recording, begins: begins()?, ..settings };
    let world = settings.world.clone();
    Sandbox::start(settings).map_err(|error| {
        let failure = Failure::new(Code::Sandbox, "the sandbox cannot start");
        let failure = failure.because(&error);
        match world {
            Some(world) => failure.hint(format!(
                "the simulated world is in {}; without that file it begins anew",
                world.display()
            )),
            None => failure,
        }
    })
}

/// Returns when a new world begins, where that is told: at the beginning of a day, in UTC.
fn begins() -> Result<Option<SystemTime>, Failure> {
    let Some(day) = std::env::var(DAY).ok().filter(|day| !day.is_empty()) else { return Ok(None) };
    let time = format!("{day}T00:00:00Z").parse::<Timestamp>().ok().map(SystemTime::from);
    let wrong = || {
        let failure = Failure::new(Code::Sandbox, format!("{DAY} is no day: {day:?}"));
        failure.hint("write it as `2026-11-21`, or leave the variable out: then it is today")
    };
    time.filter(|time| *time > SystemTime::UNIX_EPOCH).ok_or_else(wrong).map(Some)
}
