use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::json::{self, Value};
use crate::messages;
use crate::pump::{pump, Answer, Outcome, Owned, Slot};
use crate::sys::{self, Code, Handle, Symbols};
use crate::{Error, Result};

/// A call under way: a future for any runtime, or [`wait`](Call::wait) for a thread.
///
/// It has begun already, so calls that are made together run together. One that is
/// dropped is cancelled, and its result discarded: a dequeue leaves no lease behind, an
/// enqueue may or may not have been stored.
#[must_use = "a call that is dropped is cancelled"]
pub struct Call<T> {
    state: State<T>,
}

enum State<T> {
    Known(Option<Result<T>>),
    Going {
        lib: &'static Symbols,
        slot: Arc<Slot>,
        op: Handle,
        read: Option<Reader<T>>,
    },
}

/// Copies what a call answered.
pub(crate) type Reader<T> = Box<dyn FnOnce(Answer) -> Result<T> + Send>;

/// The last four arguments of every asynchronous function of `pgqrs.h`.
#[derive(Debug)]
pub struct Submission {
    /// Where the outcome goes.
    pub cq: Handle,
    /// What names the call there.
    pub user_data: u64,
    /// Where the op is written to.
    pub op: *mut Handle,
    /// Where an error is written to.
    pub error: *mut Handle,
}

impl<T> Call<T> {
    pub(crate) fn start(
        read: impl FnOnce(Answer) -> Result<T> + Send + 'static,
        call: impl FnOnce(&Symbols, Submission) -> i32,
    ) -> Call<T> {
        match pump().and_then(|pump| pump.start(call).map(|(slot, op)| (pump.lib, slot, op))) {
            Ok((lib, slot, op)) => Call {
                state: State::Going {
                    lib,
                    slot,
                    op,
                    read: Some(Box::new(read)),
                },
            },
            Err(error) => Call::known(Err(error)),
        }
    }

    /// A call whose outcome is known without asking the library.
    pub(crate) fn known(result: Result<T>) -> Call<T> {
        Call {
            state: State::Known(Some(result)),
        }
    }

    /// Waits for the outcome on this thread. Not for tasks of an async runtime: they
    /// await.
    pub fn wait(mut self) -> Result<T> {
        self.wait_until(None)
            .unwrap_or_else(|| unreachable!("it waits until there is an outcome"))
    }

    /// Waits so long; then the call is cancelled, and its true outcome awaited:
    /// `Timeout` iff nothing was stored.
    pub fn wait_for(mut self, timeout: Duration) -> Result<T> {
        if let Some(result) = self.wait_until(Instant::now().checked_add(timeout)) {
            return result;
        }
        self.cancel();
        self.wait().map_err(|error| match error.code() {
            Code::Cancelled => Error::own(Code::Timeout, "", "the time is up; nothing was stored"),
            _ => error,
        })
    }

    /// Asks for an end. The outcome still arrives, and is `Cancelled` iff nothing was
    /// stored.
    pub fn cancel(&self) {
        if let State::Going { lib, op, .. } = &self.state {
            // SAFETY: no pointers; an op that has completed is unknown, and that is all.
            unsafe { (lib.op_cancel)(*op) };
        }
    }

    /// Lets the call go on to its end although nobody waits for the outcome. What it
    /// answers is discarded all the same.
    pub fn detach(mut self) {
        self.state = State::Known(None);
    }

    fn wait_until(&mut self, until: Option<Instant>) -> Option<Result<T>> {
        match &mut self.state {
            State::Known(result) => result.take(),
            State::Going { slot, .. } => slot.wait(until).map(|outcome| self.finish(outcome)),
        }
    }

    fn finish(&mut self, outcome: Outcome) -> Result<T> {
        let State::Going { read: Some(read), .. } = std::mem::replace(&mut self.state, State::Known(None)) else {
            unreachable!("an outcome arrives once")
        };
        outcome.take().and_then(read)
    }
}

impl<T> Future for Call<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context) -> Poll<Result<T>> {
        let call = self.get_mut();
        match &mut call.state {
            State::Known(result) => Poll::Ready(result.take().expect("a call is not polled after its end")),
            State::Going { slot, .. } => match slot.poll(context.waker()) {
                Some(outcome) => Poll::Ready(call.finish(outcome)),
                None => Poll::Pending,
            },
        }
    }
}

/// Nothing in it is pinned.
impl<T> Unpin for Call<T> {}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<T> std::fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let state = if matches!(self.state, State::Going { .. }) {
            "under way"
        } else {
            "over"
        };
        write!(f, "Call({state})")
    }
}

/// What the library knows by a handle. It is closed with the last clone.
#[derive(Clone)]
pub(crate) struct Object(Arc<Owned>);

impl Object {
    pub(crate) fn of(answer: Answer) -> Object {
        Object(Arc::new(answer.owned))
    }

    pub(crate) fn handle(&self) -> Handle {
        self.0.handle
    }

    pub(crate) fn lib(&self) -> &'static Symbols {
        self.0.lib
    }

    pub(crate) fn call<T>(
        &self,
        read: impl FnOnce(Answer) -> Result<T> + Send + 'static,
        call: impl FnOnce(&Symbols, Handle, Submission) -> i32,
    ) -> Call<T> {
        Call::start(read, |lib, submission| call(lib, self.handle(), submission))
    }

    /// A function that takes nothing but the object.
    pub(crate) fn plain<T>(
        &self,
        read: impl FnOnce(Answer) -> Result<T> + Send + 'static,
        function: impl FnOnce(&Symbols) -> unsafe extern "C" fn(Handle, Handle, u64, *mut Handle, *mut Handle) -> i32,
    ) -> Call<T> {
        // SAFETY: the submission's pointers are valid for the call.
        self.call(read, |lib, object, s| unsafe {
            function(lib)(object, s.cq, s.user_data, s.op, s.error)
        })
    }
}

// ---- Readers ------------------------------------------------------------------------

pub(crate) fn nothing(_: Answer) -> Result<()> {
    Ok(())
}

pub(crate) fn document(answer: Answer) -> Result<String> {
    let mut view = sys::Str::default();
    let owned = answer.owned;
    // SAFETY: a result of this call's own; the view is copied before it is closed.
    check(owned.lib, unsafe { (owned.lib.result_json)(owned.handle, &mut view) })?;
    Ok(unsafe { messages::text(view) })
}

/// A reader of a record.
pub(crate) fn record<T>(make: impl FnOnce(&Value) -> Option<T>) -> impl FnOnce(Answer) -> Result<T> {
    |answer| {
        let text = document(answer)?;
        let made = json::parse(&text).and_then(|value| make(&value));
        made.ok_or_else(|| {
            Error::own(
                Code::Internal,
                "",
                format!("a document of the library is not understood: {text}"),
            )
        })
    }
}

pub(crate) fn count(answer: Answer) -> Result<i64> {
    record(|value| value.integer("count"))(answer)
}

pub(crate) fn check(lib: &Symbols, status: i32) -> Result<()> {
    match status {
        status if status < 0 => Err(Error::read(lib, status, 0)),
        _ => Ok(()),
    }
}
