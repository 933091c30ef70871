use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::{Context, Poll};

use crate::call::record;
use crate::json::Value;
use crate::pump::Outcome;
use crate::records::{Field, LogLine};
use crate::several::Several;
use crate::sys;
use crate::Result;

/// How grave a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LogLevel {
    /// What mended itself, for those who look for a cause.
    Debug,
    /// How a store works, where that is not as usual.
    Info,
    /// Something failed, and the library goes on without it.
    Warn,
    /// Something failed that should never fail.
    Error,
}

impl Field for LogLevel {
    fn read(value: &Value, name: &str) -> Option<LogLevel> {
        Some(match value.text(name)? {
            "debug" => LogLevel::Debug,
            "info" => LogLevel::Info,
            "warn" => LogLevel::Warn,
            _ => LogLevel::Error,
        })
    }
}

impl Field for BTreeMap<String, String> {
    fn read(value: &Value, name: &str) -> Option<BTreeMap<String, String>> {
        let text = |value: &Value| match value {
            Value::Text(text) | Value::Number(text) => Some(text.clone()),
            _ => None,
        };
        let Value::Object(members) = value.get(name)? else {
            return None;
        };
        Some(
            members
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
                .collect(),
        )
    }
}

/// What the stores of this process log from now on: what goes wrong where no call
/// fails. Without it nothing is logged.
///
/// ```no_run
/// # fn main() -> Result<(), pgqrs::Error> {
/// let lines = pgqrs::log(pgqrs::LogLevel::Warn)?;
/// std::thread::spawn(|| {
///     for line in lines {
///         eprintln!("{:?} {} {:?}", line.level, line.message, line.attributes);
///     }
/// });
/// # Ok(())
/// # }
/// ```
pub fn log(level: LogLevel) -> Result<Lines> {
    let number = match level {
        LogLevel::Debug => sys::LOG_DEBUG,
        LogLevel::Info => sys::LOG_INFO,
        LogLevel::Warn => sys::LOG_WARN,
        LogLevel::Error => sys::LOG_ERROR,
    };
    // SAFETY: the submission's pointers are valid for the call.
    let lines =
        Several::start(|lib, s| unsafe { (lib.log_subscribe)(number as i32, s.cq, s.user_data, s.op, s.error) })?;
    Ok(Lines(lines))
}

/// Lines of the log, one after the other, until the library is shut down: see [`log`].
///
/// A thread goes through them with `for`; a task asks for the [`next`](Lines::next). The
/// library never waits for either: beyond 1024 that nobody took, lines are dropped and
/// counted.
pub struct Lines(Several);

impl Lines {
    /// The next line; `None`: the library was shut down. Dropping the future loses
    /// nothing.
    pub async fn next(&mut self) -> Option<LogLine> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// As `Stream::poll_next` has it, for a stream of whichever crate defines one.
    pub fn poll_next(&mut self, context: &mut Context) -> Poll<Option<LogLine>> {
        self.0.poll(context).map(read)
    }
}

fn read(outcome: Outcome) -> Option<LogLine> {
    outcome.take().and_then(record(LogLine::read)).ok()
}

impl IntoIterator for Lines {
    type Item = LogLine;
    type IntoIter = Box<dyn Iterator<Item = LogLine> + Send>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(std::iter::from_fn(move || self.0.wait().and_then(read)))
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("Lines")
    }
}
