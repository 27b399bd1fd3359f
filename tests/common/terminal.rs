//! What a user sees: the rows of a terminal, or a log.
use super::relay::RUN;
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// More rows than a session has, so that nothing scrolls away.
const ROWS: u16 = 200;

/// Where a command writes to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Screen {
    /// A terminal with so many columns.
    Terminal(u16),
    /// A pipe, as on a build server.
    Log,
}

impl Screen {
    /// Runs a command to its end, types `answer` when it asks, and returns its exit code and what
    /// is to be seen then.
    pub(crate) fn show(self, command: &mut Command, answer: &str) -> (Option<i32>, String) {
        for name in ["COLUMNS", "NO_COLOR", "PROVISION_LOG"] {
            command.env_remove(name);
        }
        match self {
            Self::Log => {
                let output = command.output().expect("the program runs");
                let text = [output.stdout, output.stderr].concat();
                (output.status.code(), String::from_utf8(text).expect("output is text"))
            }
            Self::Terminal(columns) => {
                let (code, written) = on_terminal(command, columns, answer);
                (code, rows(&written, columns))
            }
        }
    }
}

/// Runs a command on a terminal with so many columns, which can do everything unless the command is
/// told otherwise, and returns its exit code and all that it wrote.
pub(crate) fn on_terminal(
    command: &mut Command,
    columns: u16,
    answer: &str,
) -> (Option<i32>, Vec<u8>) {
    if command.get_envs().all(|(name, _)| name != "TERM") {
        command.env("TERM", "xterm-256color");
    }
    let (mut keyboard, program) = terminal(columns);
    let end = || program.try_clone().expect("it can be shared");
    command.stdin(end()).stdout(end()).stderr(end());
    let mut child = command.spawn().expect("the program starts");
    drop(program);
    let written = Arc::new(Mutex::new(Vec::new()));
    let (mut screen, its) = (keyboard.try_clone().expect("it can be shared"), written.clone());
    let reader = thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = screen.read(&mut buffer) {
            its.lock().expect("no thread panics").extend_from_slice(&buffer[..read]);
        }
    });
    let (since, mut answered) = (Instant::now(), answer.is_empty());
    let status = loop {
        assert!(since.elapsed() < RUN, "the program does not end");
        if !answered && written.lock().expect("no thread panics").ends_with(b": ") {
            keyboard.write_all(format!("{answer}\n").as_bytes()).expect("it can be typed");
            answered = true;
        }
        if let Some(status) = child.try_wait().expect("it can be asked") {
            break status;
        }
        thread::sleep(Duration::from_millis(10));
    };
    // The program's side closes with the last of its handles, and that ends the reader.
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::null());
    command.stderr(std::process::Stdio::null());
    reader.join().expect("the reader ends");
    let written = std::mem::take(&mut *written.lock().expect("no thread panics"));
    (status.code(), written)
}

/// Makes a terminal: its side of the keyboard, and that of the program.
fn terminal(columns: u16) -> (File, File) {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("it can be used");
    let name = ptsname(&keyboard, Vec::new()).expect("it has a name");
    let program = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it opens");
    let size = Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&program, size).expect("it has a size");
    (keyboard.into(), program.into())
}

/// Returns what a terminal shows that got these bytes.
pub(crate) fn rows(bytes: &[u8], columns: u16) -> String {
    let [height, width] = [ROWS, columns].map(|n| n.try_into().expect("a terminal has some"));
    let mut terminal = vt100::Parser::new(height, width, 0);
    terminal.process(bytes);
    let rows = terminal.screen().rows(0, columns);
    let rows: Vec<_> = rows.map(|row| row.trim_end().to_owned()).collect();
    rows.join("\n").trim_end().to_owned() + "\n"
}
