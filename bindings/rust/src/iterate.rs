use std::collections::VecDeque;
use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::call::Call;
use crate::messages::Message;
use crate::workers::{Consumer, DequeueOptions, ReleaseOptions};
use crate::Result;

/// Messages of one consumer, one after the other: see [`Consumer::messages`].
///
/// A thread goes through them with `for`; a task asks for the [`next`](Messages::next).
/// After an error, and after a `wait` that brought none, there may be more: ask again.
#[derive(Debug)]
pub struct Messages {
    consumer: Consumer,
    options: DequeueOptions,
    taken: VecDeque<Message>,
    going: Option<Call<Vec<Message>>>,
}

impl Messages {
    pub(crate) fn new(consumer: Consumer, mut options: DequeueOptions) -> Messages {
        options.wait.get_or_insert(Duration::MAX);
        Messages {
            consumer,
            options,
            taken: VecDeque::new(),
            going: None,
        }
    }

    /// The next message; `None`: there was none for as long as `wait` says. Dropping the
    /// future loses nothing: what it waited for is there for the next one.
    pub async fn next(&mut self) -> Option<Result<Message>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// As `Stream::poll_next` has it, for a stream of whichever crate defines one.
    pub fn poll_next(&mut self, context: &mut Context) -> Poll<Option<Result<Message>>> {
        if let Some(message) = self.taken.pop_front() {
            return Poll::Ready(Some(Ok(message)));
        }
        match Pin::new(self.fetch()).poll(context) {
            Poll::Ready(batch) => Poll::Ready(self.take(batch)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// The dequeue that is under way, or a new one.
    fn fetch(&mut self) -> &mut Call<Vec<Message>> {
        self.going
            .get_or_insert_with(|| self.consumer.dequeue(self.options.clone()))
    }

    fn take(&mut self, batch: Result<Vec<Message>>) -> Option<Result<Message>> {
        self.going = None;
        match batch {
            Ok(batch) => {
                self.taken = batch.into();
                self.taken.pop_front().map(Ok)
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl Drop for Messages {
    /// Best effort: what cannot be given back comes back when its lease is over.
    fn drop(&mut self) {
        if !self.taken.is_empty() {
            let undo = ReleaseOptions {
                unread: true,
                ..Default::default()
            };
            self.consumer.release_many(&self.taken, undo).detach();
        }
    }
}

impl IntoIterator for Messages {
    type Item = Result<Message>;
    type IntoIter = Iter;

    fn into_iter(self) -> Iter {
        Iter { messages: self }
    }
}

/// The same for a thread, which waits for each.
#[derive(Debug)]
pub struct Iter {
    messages: Messages,
}

impl Iterator for Iter {
    type Item = Result<Message>;

    fn next(&mut self) -> Option<Result<Message>> {
        if let Some(message) = self.messages.taken.pop_front() {
            return Some(Ok(message));
        }
        self.messages.fetch();
        let batch = self.messages.going.take()?.wait();
        self.messages.take(batch)
    }
}
