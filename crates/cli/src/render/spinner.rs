//! A moving line while the cloud is only looked at, and there is nothing else to show yet.
use super::duration::span;
use super::progress::{Mode, picture};
use super::style::{Paint, Style, fit};
use crate::args::Global;
use std::io::{self, Write};
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, interval_at};

/// How long nothing is shown: by then nearly everything has been seen.
const SOON: Duration = Duration::from_secs(1);
/// How often the line moves.
const TICK: Duration = Duration::from_millis(120);
/// Erases a line, and returns to its beginning.
const ERASED: &str = "\r\u{1b}[2K";

/// Waits for `work`. On a terminal a line says `what` is done as soon as that takes long; it is gone
/// before this returns.
pub(crate) async fn looking<T>(global: &Global, what: &str, work: impl Future<Output = T>) -> T {
    match Mode::of(global) {
        Mode::Live => {
            shown(&mut io::stdout(), &Style::of_stdout(global.no_color), what, work).await
        }
        Mode::Plain | Mode::Json | Mode::Quiet => work.await,
    }
}

async fn shown<T>(
    out: &mut impl Write,
    style: &Style,
    what: &str,
    work: impl Future<Output = T>,
) -> T {
    // Somebody who does not look any more is no reason to end.
    let mut write = |text: &str| drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    let (mut work, begun) = (pin!(work), Instant::now());
    let mut ticks = interval_at(begun + SOON, TICK);
    let mut is_drawn = false;
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                if is_drawn {
                    write(ERASED);
                }
                return done;
            }
            _ = ticks.tick() => {
                is_drawn = true;
                let waited = begun.elapsed();
                let line = format!("  {} {what}  {}", picture(waited), span(waited));
                // The last column stays free: terminals differ in what follows there.
                let line = fit(&line, style.width.saturating_sub(1));
                write(&format!("{ERASED}{}", style.paint(Paint::Dim, &line)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn written(seconds: f64, width: usize) -> String {
        let (mut paper, style) = (Vec::new(), Style { color: false, width });
        let work = tokio::time::sleep(Duration::from_secs_f64(seconds));
        shown(&mut paper, &style, "looking at what there is", work).await;
        String::from_utf8(paper).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_long_is_told_and_leaves_nothing_behind() {
        assert_eq!(written(0.9, 80).await, "");
        let text = written(1.2, 80).await;
        let drawn: Vec<_> = text.split(ERASED).collect();
        assert_eq!(
            drawn,
            ["", "  ⠇ looking at what there is  1s", "  ⠏ looking at what there is  1s", ""]
        );
        assert!(written(75.0, 80).await.contains(" looking at what there is  1m14s\r"));
        assert!(written(1.1, 20).await.contains("looking at wha…"));
    }
}
