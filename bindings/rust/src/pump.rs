//! The completion queue of this process, and the one thread that takes completions from
//! it to the calls that wait for them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::Instant;

use crate::call::Submission;
use crate::library::library;
use crate::sys::{self, Code, Handle, Symbols};
use crate::{Error, Result};

/// Completions that are polled at once.
const AT_ONCE: usize = 256;
/// More calls than a program has under way: `Busy` never reaches a caller.
const MAX_PENDING: u32 = 1 << 24;

pub(crate) struct Pump {
    pub(crate) lib: &'static Symbols,
    queue: Handle,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    slots: HashMap<u64, Arc<Slot>>,
    last: u64,
    /// What new calls answer once the queue has ended.
    ended: Option<i32>,
}

impl Waiting {
    /// Where an outcome arrives.
    fn slot(&mut self, outcome: &Outcome) -> Option<Arc<Slot>> {
        let id = &outcome.completion.user_data;
        if outcome.is_last() {
            return self.slots.remove(id);
        }
        self.slots.get(id).cloned()
    }
}

/// The pump of this process, started at the first call.
pub(crate) fn pump() -> Result<&'static Pump> {
    static PUMP: OnceLock<Result<&'static Pump>> = OnceLock::new();
    let start = || {
        let pump: &'static Pump = Box::leak(Box::new(Pump::open()?));
        let thread = thread::Builder::new().name("pgqrs".into()).spawn(|| pump.run());
        let failed = |e| Error::own(Code::Internal, "", format!("cannot start the thread of the queue: {e}"));
        thread.map(|_| pump).map_err(failed)
    };
    PUMP.get_or_init(start).clone()
}

impl Pump {
    fn open() -> Result<Pump> {
        let lib = library()?;
        let options = sys::CqOptions {
            flags: sys::CQ_VALUES,
            max_pending: MAX_PENDING,
            ..sys::CqOptions::default()
        };
        let mut queue = 0;
        // SAFETY: the options say how large they are.
        match unsafe { (lib.cq_open)(&options, &mut queue) } {
            sys::OK => Ok(Pump {
                lib,
                queue,
                waiting: Mutex::default(),
            }),
            status => Err(Error::read(lib, status, 0)),
        }
    }

    fn run(&self) {
        loop {
            self.drain();
            // SAFETY: this thread alone waits and polls.
            let status = unsafe { (self.lib.cq_wait)(self.queue, -1) };
            if status < 0 {
                self.drain(); // what came before the end
                return self.end(status);
            }
        }
    }

    /// Polls to a short read. A queue that has ended tells the wait that follows.
    fn drain(&self) {
        loop {
            let mut batch = [sys::Completion::default(); AT_ONCE];
            // SAFETY: room for as many as are asked for.
            let count = unsafe { (self.lib.cq_poll)(self.queue, batch.as_mut_ptr(), AT_ONCE as u32) };
            for completion in &batch[..count.max(0) as usize] {
                let outcome = Outcome {
                    lib: self.lib,
                    completion: *completion,
                };
                let slot = locked(&self.waiting).slot(&outcome);
                if let Some(slot) = slot {
                    slot.finish(outcome);
                }
            }
            if count < AT_ONCE as i32 {
                return;
            }
        }
    }

    /// Fails what waits, and every later call.
    fn end(&self, status: i32) {
        let slots = {
            let mut waiting = locked(&self.waiting);
            waiting.ended = Some(status);
            std::mem::take(&mut waiting.slots)
        };
        for slot in slots.into_values() {
            slot.finish(Outcome {
                lib: self.lib,
                completion: sys::Completion {
                    status,
                    ..Default::default()
                },
            });
        }
    }

    /// Hands a call to the library and answers where its outcome arrives, and the op.
    pub(crate) fn start(&self, call: impl FnOnce(&Symbols, Submission) -> i32) -> Result<(Arc<Slot>, Handle)> {
        let slot = Arc::new(Slot::default());
        let user_data = {
            let mut waiting = locked(&self.waiting);
            if let Some(status) = waiting.ended {
                return Err(Error::read(self.lib, status, 0));
            }
            waiting.last += 1;
            let id = waiting.last;
            waiting.slots.insert(id, slot.clone()); // before the call: its completion may come at once
            id
        };
        let (mut op, mut error) = (0, 0);
        let status = call(
            self.lib,
            Submission {
                cq: self.queue,
                user_data,
                op: &mut op,
                error: &mut error,
            },
        );
        if status >= 0 {
            return Ok((slot, op));
        }
        locked(&self.waiting).slots.remove(&user_data);
        let error = Owned {
            lib: self.lib,
            handle: error,
        };
        Err(Error::read(self.lib, status, error.handle))
    }
}

/// Where the outcome of one call arrives, or the outcomes of one that has several.
#[derive(Default)]
pub(crate) struct Slot {
    arrival: Mutex<Arrival>,
    arrived: Condvar,
}

#[derive(Default)]
struct Arrival {
    outcome: Option<Outcome>,
    before: VecDeque<Outcome>, // those that are not the last
    waker: Option<Waker>,
}

impl Arrival {
    fn take(&mut self) -> Option<Outcome> {
        self.before.pop_front().or_else(|| self.outcome.take())
    }
}

impl Slot {
    fn finish(&self, outcome: Outcome) {
        let waker = {
            let mut arrival = locked(&self.arrival);
            if outcome.is_last() {
                arrival.outcome = Some(outcome);
            } else {
                arrival.before.push_back(outcome);
            }
            arrival.waker.take()
        };
        self.arrived.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The outcome, or none yet: then the waker is called when it arrives.
    pub(crate) fn poll(&self, waker: &Waker) -> Option<Outcome> {
        let mut arrival = locked(&self.arrival);
        let outcome = arrival.take();
        if outcome.is_none() {
            match &mut arrival.waker {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
        }
        outcome
    }

    /// Waits for the outcome, until an instant if one is given.
    pub(crate) fn wait(&self, until: Option<Instant>) -> Option<Outcome> {
        let mut arrival = locked(&self.arrival);
        loop {
            if let Some(outcome) = arrival.take() {
                return Some(outcome);
            }
            arrival = match until.map(|instant| instant.saturating_duration_since(Instant::now())) {
                None => self.arrived.wait(arrival).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return None,
                Some(left) => {
                    self.arrived
                        .wait_timeout(arrival, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }
}

/// What a call came to. One that nobody takes is discarded: leases in it are given
/// back, and an object that was opened is closed.
pub(crate) struct Outcome {
    lib: &'static Symbols,
    completion: sys::Completion,
}

impl Outcome {
    fn is_last(&self) -> bool {
        self.completion.flags & sys::CQE_MORE == 0
    }

    pub(crate) fn take(mut self) -> Result<Answer> {
        let sys::Completion { status, flags, .. } = self.completion;
        if status < 0 {
            return Err(Error::read(self.lib, status, self.completion.error));
        }
        let result = std::mem::take(&mut self.completion.result);
        let value = flags & sys::CQE_VALUE != 0;
        Ok(Answer {
            value: value.then_some(result as i64),
            owned: Owned {
                lib: self.lib,
                handle: if value { 0 } else { result },
            },
        })
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        let c = &self.completion;
        // SAFETY: nobody else has these handles; 0 is allowed.
        unsafe {
            if c.flags & sys::CQE_VALUE == 0 {
                (self.lib.result_discard)(c.result);
            }
            (self.lib.close)(c.error);
        }
    }
}

/// The result of a call that succeeded: a number, or a handle.
pub(crate) struct Answer {
    pub(crate) value: Option<i64>,
    pub(crate) owned: Owned,
}

/// Owns a handle of the library and closes it.
pub(crate) struct Owned {
    pub(crate) lib: &'static Symbols,
    pub(crate) handle: Handle,
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: nobody else has the handle; 0 is allowed.
        unsafe { (self.lib.close)(self.handle) };
    }
}

/// Nothing in here panics while it holds a lock.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
