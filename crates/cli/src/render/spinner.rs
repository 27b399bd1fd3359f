//! A line on a terminal that moves while the cloud is only looked at: there is nothing else to show
//! yet, and somebody waits.
use super::duration::span;
use super::progress::{FRAME, Mode, picture, size};
use super::style::{Paint, Style, fit};
use crate::args::Global;
use crate::output;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// How long nothing is shown: what takes less is not worth a line.
const SOON: Duration = Duration::from_secs(1);
/// Goes to the beginning of the line, and erases it.
const ERASED: &str = "\r\u{1b}[2K";

/// Whether the line is on the screen.
static DRAWN: AtomicBool = AtomicBool::new(false);

/// Waits for `work`, in which nobody is asked for a password. On a terminal a line says `what` is done
/// as soon as that takes long; it is gone before this returns.
pub(crate) async fn during<T>(global: &Global, what: &str, work: impl Future<Output = T>) -> T {
    if Mode::of(global) != Mode::Live {
        return work.await;
    }
    let style = Style::of_stdout(global.no_color);
    let done = drawing(work, |waited| {
        let line = format!("{} {what}  {}", picture(waited), span(waited));
        // Whoever finds the line there erases it after it is drawn.
        let _stdout = io::stdout().lock();
        DRAWN.store(true, Ordering::Relaxed);
        output::stdout(&drawn(&style, size().0, &line));
    });
    let done = done.await;
    erase();
    done
}

/// Takes the line away, if it is there, for who writes something else.
pub(crate) fn erase() {
    if DRAWN.swap(false, Ordering::Relaxed) {
        output::stdout(ERASED);
    }
}

/// Waits for `work`, and draws again and again once it takes long.
async fn drawing<T>(work: impl Future<Output = T>, mut draw: impl FnMut(Duration)) -> T {
    let (mut work, begun) = (pin!(work), Instant::now());
    let mut turns = interval_at(begun + SOON, FRAME);
    turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = turns.tick() => draw(begun.elapsed()),
        }
    }
}

/// Returns what draws a line in a terminal of that width, and leaves the cursor at its beginning:
/// whatever somebody else writes then stands over it, and not behind it.
fn drawn(style: &Style, width: usize, line: &str) -> String {
    // The last column stays free: terminals differ in what follows there.
    let line = fit(&format!("  {line}"), width.saturating_sub(1));
    format!("{ERASED}{}\r", style.paint(Paint::Dim, &line))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn turns(seconds: f64) -> Vec<Duration> {
        let mut turns = Vec::new();
        let work = tokio::time::sleep(Duration::from_secs_f64(seconds));
        drawing(work, |waited| turns.push(waited)).await;
        turns
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_drawn_until_it_takes_long() {
        assert!(turns(0.9).await.is_empty());
        assert_eq!(turns(1.2).await, [SOON, SOON + FRAME]);
    }

    #[test]
    fn a_line_keeps_to_the_width_of_the_terminal() {
        let style = Style { color: false, width: 80 };
        let of = |width| drawn(&style, width, "⠇ looking at what there is  1s");
        assert_eq!(of(80), format!("{ERASED}  ⠇ looking at what there is  1s\r"));
        assert_eq!(of(20), format!("{ERASED}  ⠇ looking at wha…\r"));
    }
}
