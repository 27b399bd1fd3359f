//! Serves a simulated AWS until standard input ends.
use provision_sandbox::{Sandbox, Settings, Speed};
use std::io::{self, Read, Write};

fn main() -> io::Result<()> {
    let speed = std::env::args().nth(1).map_or(Ok(Speed::Instant), |word| word.parse());
    let settings = Settings { speed: speed.map_err(io::Error::other)?, ..Settings::default() };
    let sandbox = Sandbox::start(settings)?;
    writeln!(io::stdout(), "{{\"aws\":\"{}\"}}", sandbox.aws())?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
