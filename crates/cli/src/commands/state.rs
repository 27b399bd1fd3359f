//! `provision state`: the record itself.
use super::carry_out::begin;
use super::show::document;
use crate::args::{Global, StateArgs, StateCommand};
use crate::failure::{Code, Exit, Failure};
use crate::render::{Style, record, spinner};
use crate::run::Subject;
use crate::{output, place, shell};
use provision_core::Address;
use provision_engine::Lock;
use serde_json::json;

pub(crate) async fn run(global: &Global, args: &StateArgs) -> Result<Exit, Failure> {
    let spec = place::cluster_file(&args.file)?;
    let path = place::state_path(global, &args.file, &spec.name);
    match &args.command {
        StateCommand::Forget { address } => {
            let _lock = Lock::take(&path)?;
            let loaded = place::state(&path, &spec)?;
            let address = Address::from(address.as_str());
            if loaded.as_ref().is_none_or(|l| l.state.get(&address).is_none()) {
                return Err(unknown(global, &address));
            }
            let subject = Subject::connect(global, Some(spec), &path, loaded, None).await?;
            let journal = begin(&subject)?;
            let engine = subject.engine(global);
            let forgotten = engine.forget(&journal, &address);
            spinner::during(global, "taking our marks away", forgotten).await?;
            if !global.quiet && !global.json {
                output::stdout(&format!(
                    "Forgot {address}. The object is still in the cloud, without our marks.\n"
                ));
            }
        }
        StateCommand::List => {
            let loaded = place::state(&path, &spec)?;
            let state = loaded.map(|loaded| loaded.state).unwrap_or_default();
            let addresses: Vec<_> = state.records().keys().collect();
            match global.json {
                true => output::json(&json!(addresses)),
                false => addresses.iter().for_each(|a| output::stdout(&format!("{a}\n"))),
            }
        }
        StateCommand::Show { address } => {
            let loaded = place::state(&path, &spec)?;
            let address = Address::from(address.as_str());
            let state = loaded.map(|loaded| loaded.state).unwrap_or_default();
            let found = state.get(&address).ok_or_else(|| unknown(global, &address))?;
            match global.json {
                true => output::json(&document((&address, found))),
                false => {
                    let style = Style::of_stdout(global.no_color);
                    output::stdout(&record::one(&style, &address, found));
                }
            }
        }
    }
    Ok(Exit::Done)
}

fn unknown(global: &Global, address: &Address) -> Failure {
    let error = format!("nothing is on record at {address}");
    Failure::new(Code::UsageAddress, error)
        .hint(format!("`{}` shows the addresses", shell::command(global, "state list", None)))
}
