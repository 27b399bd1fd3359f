//! `provision sandbox serve`: the simulated clouds as servers on loopback.
use crate::args::{Global, ServeArgs};
use crate::failure::{Exit, Failure};
use crate::{output, sandbox};
use provision_sandbox::Settings;
use serde_json::json;

pub(crate) async fn serve(global: &Global, args: &ServeArgs) -> Result<Exit, Failure> {
    let sandbox = sandbox::start(Settings {
        world: args.world.clone(),
        speed: sandbox::speed(global),
        credentials: args.credential.clone(),
        ..Settings::default()
    })?;
    output::json(&json!({ "aws": sandbox.aws() }));
    global.stop.asked().await;
    Ok(Exit::Done)
}
