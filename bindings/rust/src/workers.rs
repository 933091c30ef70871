use std::fmt;
use std::ops::Deref;
use std::time::{Duration, SystemTime};

use crate::call::{check, nothing, record, Call, Object, Submission};
use crate::iterate::Messages;
use crate::losses::Losses;
use crate::messages::{ids, micros, millis, outcomes, rows, start, view, Message, Token};
use crate::pump::{Answer, Owned};
use crate::records::WorkerStatus;
use crate::sys::{self, Code, Handle, Symbols};
use crate::{Error, Result};

/// How a producer or consumer is registered.
#[derive(Clone, Debug, Default)]
pub struct WorkerOptions<'a> {
    /// A label; empty: this host's name.
    pub hostname: &'a str,
    /// A label, 0 to 65535.
    pub port: i32,
    /// Leaves no row behind.
    pub ephemeral: bool,
}

impl WorkerOptions<'_> {
    pub(crate) fn twin(&self) -> sys::WorkerOptions {
        sys::WorkerOptions {
            flags: if self.ephemeral { sys::WORKER_EPHEMERAL } else { 0 },
            hostname: view(self.hostname),
            port: self.port,
            ..Default::default()
        }
    }
}

/// What a producer and a consumer have in common.
#[derive(Clone)]
pub struct Worker {
    pub(crate) object: Object,
}

impl Worker {
    /// The worker's id; 0 for an ephemeral producer.
    pub fn id(&self) -> Result<i64> {
        let mut id = 0;
        let lib = self.object.lib();
        // SAFETY: room for the id.
        check(lib, unsafe { (lib.worker_id)(self.object.handle(), &mut id) }).map(|()| id)
    }

    /// Tells that a loop that takes messages begins, or has ended: the status is `Polling`.
    pub fn poll(&self, begins: bool) -> Call<()> {
        // SAFETY: no pointers of this crate's own.
        self.object.call(nothing, |lib, worker, s| unsafe {
            (lib.worker_poll)(worker, begins.into(), s.cq, s.user_data, s.op, s.error)
        })
    }

    /// Tells that the worker is alive; the library does so by itself.
    pub fn heartbeat(&self) -> Call<()> {
        self.object.plain(nothing, |lib| lib.worker_heartbeat)
    }

    /// Lets the worker refuse to work until it is resumed.
    pub fn suspend(&self) -> Call<()> {
        self.object.plain(nothing, |lib| lib.worker_suspend)
    }

    /// Ends a suspension or an interruption.
    pub fn resume(&self) -> Call<()> {
        self.object.plain(nothing, |lib| lib.worker_resume)
    }

    /// Ends dequeues that wait, and refuses later ones until it is resumed.
    pub fn interrupt(&self) -> Call<()> {
        self.object.plain(nothing, |lib| lib.worker_interrupt)
    }

    /// Ends the worker for good and gives back what it holds.
    pub fn shutdown(&self) -> Call<()> {
        self.object.plain(nothing, |lib| lib.worker_shutdown)
    }

    /// What it is doing.
    pub fn status(&self) -> Call<WorkerStatus> {
        self.object.plain(record(WorkerStatus::read), |lib| lib.worker_status)
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Worker({:#x})", self.object.handle())
    }
}

// ---- Producers ----------------------------------------------------------------------

/// Stores messages into one queue. The last clone that is dropped ends the worker.
#[derive(Clone, Debug)]
pub struct Producer {
    pub(crate) worker: Worker,
}

impl Deref for Producer {
    type Target = Worker;

    fn deref(&self) -> &Worker {
        &self.worker
    }
}

/// When a message becomes visible, and what makes it unique.
#[derive(Clone, Debug, Default)]
pub struct EnqueueOptions<'a> {
    /// Visible so long after the commit.
    pub delay: Duration,
    /// Visible from this instant, and `delay` is ignored.
    pub at: Option<SystemTime>,
    /// While the queue remembers it, nothing is stored and the first id is answered: the
    /// call may be repeated after any error.
    pub dedup_key: Option<&'a str>,
}

/// The same for a batch.
#[derive(Clone, Debug, Default)]
pub struct BatchOptions<'a> {
    /// Visible so long after the commit.
    pub delay: Duration,
    /// Visible from this instant, and `delay` is ignored.
    pub at: Option<SystemTime>,
    /// One for each message, or no keys at all.
    pub dedup_keys: &'a [Option<&'a str>],
}

impl Producer {
    /// Stores one JSON document and answers its id after the commit.
    pub fn enqueue(&self, payload: impl AsRef<str>) -> Call<i64> {
        self.enqueue_with(payload, EnqueueOptions::default())
    }

    /// Stores one JSON document otherwise.
    pub fn enqueue_with(&self, payload: impl AsRef<str>, options: EnqueueOptions) -> Call<i64> {
        let EnqueueOptions { delay, at, dedup_key } = options;
        let keys = dedup_key.map(|key| [Some(key)]);
        let options = BatchOptions {
            delay,
            at,
            dedup_keys: keys.as_ref().map_or(&[], |k| k),
        };
        self.store(&[view(payload.as_ref())], options, |answer| ids(answer).and_then(only))
    }

    /// Stores all or none and answers their ids in input order.
    pub fn enqueue_batch(&self, payloads: &[impl AsRef<str>]) -> Call<Vec<i64>> {
        self.enqueue_batch_with(payloads, BatchOptions::default())
    }

    /// Stores all or none otherwise.
    pub fn enqueue_batch_with(&self, payloads: &[impl AsRef<str>], options: BatchOptions) -> Call<Vec<i64>> {
        let views: Vec<_> = payloads.iter().map(|p| view(p.as_ref())).collect();
        self.store(&views, options, ids)
    }

    fn store<T>(
        &self,
        payloads: &[sys::Str],
        given: BatchOptions,
        read: impl FnOnce(Answer) -> Result<T> + Send + 'static,
    ) -> Call<T> {
        let (messages, keys) = (payloads.len(), given.dedup_keys.len());
        if keys != 0 && keys != messages {
            let text =
                format!("dedup_keys: has {keys} entries for {messages} messages; give one for each, None for none");
            return Call::known(Err(Error::own(Code::InvalidArgument, "dedup_keys", text)));
        }
        let keys: Vec<_> = given.dedup_keys.iter().map(|key| view(key.unwrap_or(""))).collect();
        let options = sys::EnqueueOptions {
            delay_ms: millis(given.delay),
            at: micros(given.at),
            dedup_keys: start(&keys),
            ..Default::default()
        };
        // SAFETY: what the pointers lead to lives until the call returns, and is copied.
        self.worker.object.call(read, |lib, producer, s| unsafe {
            (lib.enqueue)(
                producer,
                start(payloads),
                size(payloads),
                &options,
                s.cq,
                s.user_data,
                s.op,
                s.error,
            )
        })
    }
}

// ---- Consumers ----------------------------------------------------------------------

/// Takes messages out of one queue. The last clone that is dropped, messages included,
/// ends the worker and gives back what it holds.
#[derive(Clone, Debug)]
pub struct Consumer {
    pub(crate) worker: Worker,
}

impl Deref for Consumer {
    type Target = Worker;

    fn deref(&self) -> &Worker {
        &self.worker
    }
}

/// How messages are taken.
#[derive(Clone, Debug, Default)]
pub struct DequeueOptions {
    /// How many at most; 0: 1. `u32::MAX`: the store's default.
    pub batch: u32,
    /// The lock time; zero: the store's default.
    pub lease: Duration,
    /// How long to wait for a first message; `Duration::MAX`: for ever. `None`: not at
    /// all, and for ever in [`Consumer::messages`].
    pub wait: Option<Duration>,
    /// Replaces the database's clock in "eligible by now".
    pub at: Option<SystemTime>,
    /// Keeps the leases alive until the messages are acknowledged.
    pub auto_extend: bool,
    /// Keeps them alive at most so long; zero: the store's longest lease.
    pub keep_max: Duration,
}

impl DequeueOptions {
    fn twin(&self) -> sys::DequeueOptions {
        sys::DequeueOptions {
            flags: if self.auto_extend { sys::DEQUEUE_AUTO_EXTEND } else { 0 },
            batch: self.batch,
            lease_ms: millis(self.lease),
            wait_ms: match self.wait {
                Some(Duration::MAX) => -1,
                wait => millis(wait.unwrap_or_default()),
            },
            at: micros(self.at),
            keep_max_ms: millis(self.keep_max),
            ..Default::default()
        }
    }
}

/// How leases are given back.
#[derive(Clone, Debug, Default)]
pub struct ReleaseOptions {
    /// Eligible again from this instant; `None`: now.
    pub at: Option<SystemTime>,
    /// Undoes the lease: the receive count goes back by one.
    pub unread: bool,
}

impl Consumer {
    /// Leases messages; none is an empty list.
    pub fn dequeue(&self, options: DequeueOptions) -> Call<Vec<Message>> {
        let (options, consumer) = (options.twin(), self.clone());
        let read = move |answer| {
            Ok(rows(answer)?
                .into_iter()
                .map(|row| Message::new(row, &consumer))
                .collect())
        };
        // SAFETY: the options live until the call returns.
        self.worker.object.call(read, |lib, consumer, s| unsafe {
            (lib.dequeue)(consumer, &options, s.cq, s.user_data, s.op, s.error)
        })
    }

    /// Takes messages one after the other, for ever unless `wait` says how long: an
    /// iterator for threads, and [`Messages::next`] for tasks. What it took and did not
    /// hand out goes back as it was.
    pub fn messages(&self, options: DequeueOptions) -> Messages {
        Messages::new(self.clone(), options)
    }

    /// Finishes a message and keeps it. True: it took effect.
    pub fn archive(&self, message: impl Into<Token>) -> Call<bool> {
        self.one(message, Acknowledgement::Archive)
    }

    /// The same for many, in input order.
    pub fn archive_many(&self, messages: impl IntoIterator<Item = impl Into<Token>>) -> Call<Vec<bool>> {
        self.many(messages, Acknowledgement::Archive)
    }

    /// Finishes a message without a trace. True: it took effect.
    pub fn delete(&self, message: impl Into<Token>) -> Call<bool> {
        self.one(message, Acknowledgement::Delete)
    }

    /// The same for many, in input order.
    pub fn delete_many(&self, messages: impl IntoIterator<Item = impl Into<Token>>) -> Call<Vec<bool>> {
        self.many(messages, Acknowledgement::Delete)
    }

    /// Makes a lease last at least so long from now. True: it took effect.
    pub fn extend(&self, message: impl Into<Token>, by: Duration) -> Call<bool> {
        self.one(message, Acknowledgement::Extend(by))
    }

    /// The same for many, in input order.
    pub fn extend_many(&self, messages: impl IntoIterator<Item = impl Into<Token>>, by: Duration) -> Call<Vec<bool>> {
        self.many(messages, Acknowledgement::Extend(by))
    }

    /// Gives a message back, eligible at once. True: it took effect.
    pub fn release(&self, message: impl Into<Token>) -> Call<bool> {
        self.release_with(message, ReleaseOptions::default())
    }

    /// Gives a message back otherwise.
    pub fn release_with(&self, message: impl Into<Token>, options: ReleaseOptions) -> Call<bool> {
        self.one(message, Acknowledgement::Release(options))
    }

    /// Gives many back, in input order.
    pub fn release_many(
        &self,
        messages: impl IntoIterator<Item = impl Into<Token>>,
        options: ReleaseOptions,
    ) -> Call<Vec<bool>> {
        self.many(messages, Acknowledgement::Release(options))
    }

    /// Tells of leases that were kept alive (`auto_extend`) and lost all the same, from
    /// now on: somebody else may have the message by now.
    pub fn losses(&self) -> Result<Losses> {
        Losses::new(&self.worker.object)
    }

    /// A sign of life: leases that are kept alive (`auto_extend`) stay so for `span` from
    /// now. Answers how many; asks no database.
    pub fn keep(&self, messages: impl IntoIterator<Item = impl Into<Token>>, span: Duration) -> Result<i32> {
        let tokens: Vec<_> = messages.into_iter().map(|m| m.into().twin()).collect();
        if tokens.is_empty() {
            return Ok(0);
        }
        let lib = self.object.lib();
        let mut error = 0;
        // SAFETY: the tokens and the error live until the call returns.
        let kept = unsafe {
            (lib.consumer_keep)(
                self.object.handle(),
                start(&tokens),
                size(&tokens),
                millis(span),
                &mut error,
            )
        };
        let failure = Owned { lib, handle: error };
        match kept {
            status if status < 0 => Err(Error::read(lib, status, failure.handle)),
            kept => Ok(kept),
        }
    }

    fn one(&self, message: impl Into<Token>, how: Acknowledgement) -> Call<bool> {
        self.acknowledge(&[message.into().twin()], |answer| outcomes(answer).and_then(only), how)
    }

    fn many(&self, messages: impl IntoIterator<Item = impl Into<Token>>, how: Acknowledgement) -> Call<Vec<bool>> {
        let tokens: Vec<_> = messages.into_iter().map(|m| m.into().twin()).collect();
        if tokens.is_empty() {
            return Call::known(Ok(Vec::new())); // the library takes no empty list
        }
        self.acknowledge(&tokens, outcomes, how)
    }

    fn acknowledge<T>(
        &self,
        tokens: &[sys::Token],
        read: impl FnOnce(Answer) -> Result<T> + Send + 'static,
        how: Acknowledgement,
    ) -> Call<T> {
        // SAFETY: the tokens live until the call returns.
        self.worker
            .object
            .call(read, |lib, consumer, s| unsafe { how.submit(lib, consumer, tokens, s) })
    }
}

/// What can be done with a lease.
enum Acknowledgement {
    Archive,
    Delete,
    Extend(Duration),
    Release(ReleaseOptions),
}

impl Acknowledgement {
    /// # Safety
    ///
    /// The submission's pointers are valid.
    unsafe fn submit(self, lib: &Symbols, consumer: Handle, tokens: &[sys::Token], s: Submission) -> i32 {
        let (first, count) = (start(tokens), size(tokens));
        // SAFETY: as the caller says; options live until the call returns.
        unsafe {
            match self {
                Self::Archive => (lib.archive)(consumer, first, count, s.cq, s.user_data, s.op, s.error),
                Self::Delete => (lib.delete)(consumer, first, count, s.cq, s.user_data, s.op, s.error),
                Self::Extend(by) => {
                    (lib.extend_vt)(consumer, first, count, millis(by), s.cq, s.user_data, s.op, s.error)
                }
                Self::Release(given) => {
                    let options = sys::ReleaseOptions {
                        flags: if given.unread { sys::RELEASE_UNREAD } else { 0 },
                        at: micros(given.at),
                        ..Default::default()
                    };
                    (lib.release)(consumer, first, count, &options, s.cq, s.user_data, s.op, s.error)
                }
            }
        }
    }
}

/// How many there are; too many for the type are refused, as any list that is too long.
fn size<T>(items: &[T]) -> u32 {
    items.len().try_into().unwrap_or(u32::MAX)
}

/// The only element of what a call about one thing answers.
pub(crate) fn only<T>(all: Vec<T>) -> Result<T> {
    let none = || Error::own(Code::Internal, "", "the library answered nothing");
    all.into_iter().next().ok_or_else(none)
}
