//! Serves a simulated AWS until standard input ends, at a speed and with further credentials.
use provision_sandbox::{Sandbox, Settings, Speed};
use std::io::{self, Read, Write};

fn main() -> io::Result<()> {
    let mut words = std::env::args().skip(1);
    let speed = words.next().map_or(Ok(Speed::Instant), |word| word.parse());
    let credentials = words.map(|word| word.parse()).collect::<Result<_, _>>();
    let settings = Settings {
        speed: speed.map_err(io::Error::other)?,
        credentials: credentials.map_err(io::Error::other)?,
        ..Settings::default()
    };
    let sandbox = Sandbox::start(settings)?;
    writeln!(io::stdout(), "{{\"aws\":\"{}\"}}", sandbox.aws())?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
