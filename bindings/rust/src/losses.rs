use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use crate::call::Object;
use crate::messages::{tokens, Token};
use crate::pump::Outcome;
use crate::several::Several;
use crate::Result;

/// Leases that were kept alive and lost all the same, one after the other: see
/// [`Consumer::losses`](crate::Consumer::losses).
///
/// A thread goes through them with `for`; a task asks for the [`next`](Losses::next).
/// After an error, which says why it is over, there is none any more.
pub struct Losses {
    outcomes: Several,
    told: VecDeque<Token>,
    over: bool,
}

impl Losses {
    pub(crate) fn new(consumer: &Object) -> Result<Losses> {
        // SAFETY: no pointers but those of the submission.
        let outcomes = Several::start(|lib, s| unsafe {
            (lib.consumer_losses)(consumer.handle(), s.cq, s.user_data, s.op, s.error)
        })?;
        Ok(Losses {
            outcomes,
            told: VecDeque::new(),
            over: false,
        })
    }

    /// The next one. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Token>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// As `Stream::poll_next` has it.
    pub fn poll_next(&mut self, context: &mut Context) -> Poll<Option<Result<Token>>> {
        loop {
            if let Some(known) = self.known() {
                return Poll::Ready(known);
            }
            match self.outcomes.poll(context) {
                Poll::Ready(outcome) => {
                    if let Some(end) = self.take(outcome) {
                        return Poll::Ready(Some(end));
                    }
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// What can be said without asking.
    fn known(&mut self) -> Option<Option<Result<Token>>> {
        match self.told.pop_front() {
            Some(token) => Some(Some(Ok(token))),
            None => self.over.then_some(None),
        }
    }

    fn take(&mut self, outcome: Outcome) -> Option<Result<Token>> {
        match outcome.take().and_then(tokens) {
            Ok(all) => {
                self.told.extend(all);
                None
            }
            Err(error) => {
                self.over = true;
                Some(Err(error))
            }
        }
    }
}

impl Iterator for Losses {
    type Item = Result<Token>;

    fn next(&mut self) -> Option<Result<Token>> {
        loop {
            if let Some(known) = self.known() {
                return known;
            }
            let outcome = self.outcomes.wait()?;
            if let Some(end) = self.take(outcome) {
                return Some(end);
            }
        }
    }
}

impl fmt::Debug for Losses {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Losses")
    }
}
