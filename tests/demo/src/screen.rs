//! What a person sees: numbered steps, commands, tables, outcomes. Colour and
//! movement are for terminals only; nothing is told by colour alone.

use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How wide a line may be.
pub(crate) const WIDTH: usize = 100;

/// What stands before everything that belongs to a step.
const INDENT: &str = "   ";

/// Standard output.
pub(crate) struct Screen {
    colour: bool,
    moves: bool,
}

#[derive(Clone, Copy)]
enum Paint {
    Title,
    Command,
    Good,
    Bad,
}

impl Paint {
    const fn code(self) -> &'static str {
        match self {
            Self::Title => "1",
            Self::Command => "36",
            Self::Good => "32",
            Self::Bad => "1;31",
        }
    }
}

impl Screen {
    /// Standard output as it is: `NO_COLOR` (see no-color.org) and terminals
    /// that can do nothing are respected.
    pub(crate) fn of_stdout() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let moves = stdout().is_terminal() && !is_dumb;
        Self {
            colour: moves && !set("NO_COLOR"),
            moves,
        }
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        if self.colour {
            format!("\x1b[{}m{text}\x1b[0m", paint.code())
        } else {
            text.to_owned()
        }
    }

    /// One line as it is. Nobody is left to tell if the reader is gone.
    pub(crate) fn line(&self, text: &str) {
        let _ = writeln!(stdout(), "{}", text.trim_end());
    }

    /// One line on standard error.
    pub(crate) fn complain(&self, text: &str) {
        let _ = writeln!(stderr(), "{text}");
    }

    /// The title of the whole.
    pub(crate) fn title(&self, text: &str) {
        self.line(&self.paint(Paint::Title, text));
    }

    /// Begins a step: its number, its name, and one sentence.
    pub(crate) fn step(&self, number: usize, name: &str, sentence: &str) {
        self.line("");
        let name = self.paint(Paint::Title, &format!("{number}. {name}"));
        self.line(&name);
        for line in wrap(sentence, WIDTH - INDENT.len()) {
            self.line(&format!("{INDENT}{line}"));
        }
    }

    /// A line of a step.
    pub(crate) fn show(&self, text: &str) {
        self.line(&format!("{INDENT}{text}"));
    }

    /// A command, as somebody would type it.
    pub(crate) fn command(&self, text: &str) {
        let command = self.paint(Paint::Command, &format!("$ {text}"));
        self.show(&command);
    }

    /// Something that was checked and found in order.
    pub(crate) fn good(&self, text: &str) {
        let mark = self.paint(Paint::Good, "ok");
        for (index, line) in wrap(text, WIDTH - INDENT.len() - 4).iter().enumerate() {
            match index {
                0 => self.show(&format!("{mark}  {line}")),
                _ => self.show(&format!("    {line}")),
            }
        }
    }

    /// Why the demonstration ends before its end.
    pub(crate) fn wrong(&self, what: &str) {
        let mark = self.paint(Paint::Bad, "NOT AS IT SHOULD BE");
        self.line("");
        self.line(&format!("{INDENT}{mark}: {what}"));
    }

    /// Shows that something goes on, until the guard is dropped.
    pub(crate) fn progress(&self) -> Progress {
        Progress::begin(self.moves)
    }
}

/// A line at the bottom that turns; on anything but a terminal, nothing.
pub(crate) struct Progress {
    text: Arc<Mutex<String>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    fn begin(moves: bool) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let over = Arc::new(AtomicBool::new(false));
        let thread = moves.then(|| {
            let (text, over) = (Arc::clone(&text), Arc::clone(&over));
            std::thread::spawn(move || turn(&text, &over))
        });
        Self { text, over, thread }
    }

    /// What goes on now.
    pub(crate) fn note(&self, text: String) {
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // It prints and sleeps, and cannot fail.
            let _ = thread.join();
        }
    }
}

fn turn(text: &Mutex<String>, over: &AtomicBool) {
    for mark in ['|', '/', '-', '\\'].into_iter().cycle() {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let text = text
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .chars()
            .take(WIDTH - 8)
            .collect::<String>();
        let mut out = stdout();
        let _ = write!(out, "\r\x1b[2K{INDENT}{mark} {text}");
        let _ = out.flush();
        std::thread::sleep(Duration::from_millis(80));
    }
    let mut out = stdout();
    let _ = write!(out, "\r\x1b[2K");
    let _ = out.flush();
}

/// Breaks a text into lines of at most `width` characters, between words.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a line");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
