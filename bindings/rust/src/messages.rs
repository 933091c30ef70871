use std::ops::Deref;
use std::slice;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::call::{check, Call};
use crate::pump::Answer;
use crate::sys;
use crate::workers::{Consumer, ReleaseOptions};
use crate::Result;

/// One stored message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Row {
    /// Never changes.
    pub id: i64,
    /// Of the queue it is, or was, in.
    pub queue_id: i64,
    /// A JSON document, as the database returned it.
    pub payload: String,
    /// How often it has been leased.
    pub read_ct: i32,
    /// When it was stored.
    pub enqueued_at: SystemTime,
    /// May be dequeued from this instant on; while leased, the lease's end.
    pub vt: SystemTime,
    /// Its first lease.
    pub dequeued_at: Option<SystemTime>,
    /// Not there: still in its queue.
    pub archived_at: Option<SystemTime>,
    /// Not there: stored without a registered producer.
    pub producer_worker_id: Option<i64>,
    /// Not there: not leased.
    pub consumer_worker_id: Option<i64>,
    /// There: a dead letter.
    pub dead_reason: Option<String>,
}

/// A leased message. Its acknowledgements answer whether they took effect. While it is
/// there, its consumer stays open.
#[derive(Clone, Debug)]
pub struct Message {
    row: Row,
    consumer: Consumer,
}

impl Message {
    pub(crate) fn new(row: Row, consumer: &Consumer) -> Message {
        Message {
            row,
            consumer: consumer.clone(),
        }
    }

    /// Finishes the message and keeps it.
    pub fn archive(&self) -> Call<bool> {
        self.consumer.archive(self)
    }

    /// Finishes the message without a trace.
    pub fn delete(&self) -> Call<bool> {
        self.consumer.delete(self)
    }

    /// Makes the lease last at least so long from now.
    pub fn extend(&self, by: Duration) -> Call<bool> {
        self.consumer.extend(self, by)
    }

    /// Gives the message back, eligible at once.
    pub fn release(&self) -> Call<bool> {
        self.consumer.release(self)
    }

    /// Gives the message back otherwise.
    pub fn release_with(&self, options: ReleaseOptions) -> Call<bool> {
        self.consumer.release_with(self, options)
    }
}

impl Deref for Message {
    type Target = Row;

    fn deref(&self) -> &Row {
        &self.row
    }
}

/// Names one lease. Made of a message it takes effect only while that lease lasts, made
/// of an id whenever the consumer owns the message.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// Of the message.
    pub id: i64,
    /// How often it had been leased; 0: the owner alone decides.
    pub read_ct: i32,
}

impl Token {
    pub(crate) fn twin(self) -> sys::Token {
        sys::Token {
            id: self.id,
            read_ct: self.read_ct,
            ..Default::default()
        }
    }
}

impl From<i64> for Token {
    fn from(id: i64) -> Token {
        Token { id, read_ct: 0 }
    }
}

impl From<&Row> for Token {
    fn from(row: &Row) -> Token {
        Token {
            id: row.id,
            read_ct: row.read_ct,
        }
    }
}

impl From<&Message> for Token {
    fn from(message: &Message) -> Token {
        Token::from(&message.row)
    }
}

// ---- Between the types of C and those of Rust ---------------------------------------

/// Borrowed bytes for the length of a call.
pub(crate) fn view(text: &str) -> sys::Str {
    sys::Str {
        data: start(text.as_bytes()).cast(),
        len: text.len() as u64,
    }
}

/// Where a slice begins. An empty one begins nowhere: its own address is a small number,
/// which Go takes for a broken pointer when it sees one on its stack.
pub(crate) fn start<T>(items: &[T]) -> *const T {
    if items.is_empty() {
        std::ptr::null()
    } else {
        items.as_ptr()
    }
}

/// Copies a text of the library.
///
/// # Safety
///
/// Its owner is still open.
pub(crate) unsafe fn text(view: sys::Str) -> String {
    if view.len == 0 {
        return String::new();
    }
    // SAFETY: as the caller says.
    String::from_utf8_lossy(unsafe { slice::from_raw_parts(view.data.cast(), view.len as usize) }).into_owned()
}

/// Milliseconds, rounded up: a span is never cut to none.
pub(crate) fn millis(span: Duration) -> i64 {
    span.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(i64::MAX)
}

/// Microseconds since 1970; none is 0.
pub(crate) fn micros(instant: Option<SystemTime>) -> i64 {
    let Some(instant) = instant else { return 0 };
    match instant.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_micros().try_into().unwrap_or(i64::MAX),
        Err(before) => before.duration().as_micros().try_into().map_or(i64::MIN, |us: i64| -us),
    }
}

pub(crate) fn instant(micros: i64) -> SystemTime {
    let span = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 {
        UNIX_EPOCH - span
    } else {
        UNIX_EPOCH + span
    }
}

/// A function that shows the records of a result.
type Lister = unsafe extern "C" fn(sys::Handle, *mut sys::List) -> i32;

/// Copies the records of a result; the stride is the library's.
fn records<T: Copy>(answer: &Answer, lister: impl FnOnce(&sys::Symbols) -> Lister) -> Result<Vec<T>> {
    let mut list = sys::List::default();
    let lib = answer.owned.lib;
    // SAFETY: a result that is open; its records begin with what this version knows.
    check(lib, unsafe { lister(lib)(answer.owned.handle, &mut list) })?;
    let record = |i| unsafe {
        list.items
            .cast::<u8>()
            .add(i * list.item_size as usize)
            .cast::<T>()
            .read()
    };
    Ok((0..list.count as usize).map(record).collect())
}

pub(crate) fn ids(answer: Answer) -> Result<Vec<i64>> {
    match answer.value {
        Some(id) => Ok(vec![id]),
        None => records(&answer, |lib| lib.result_ids),
    }
}

pub(crate) fn outcomes(answer: Answer) -> Result<Vec<bool>> {
    match answer.value {
        Some(status) => Ok(vec![status == i64::from(sys::OK)]),
        None => Ok(records::<i32>(&answer, |lib| lib.result_outcomes)?
            .into_iter()
            .map(|s| s == sys::OK)
            .collect()),
    }
}

pub(crate) fn tokens(answer: Answer) -> Result<Vec<Token>> {
    let records = records::<sys::Token>(&answer, |lib| lib.result_tokens)?;
    let token = |t: sys::Token| Token {
        id: t.id,
        read_ct: t.read_ct,
    };
    Ok(records.into_iter().map(token).collect())
}

pub(crate) fn rows(answer: Answer) -> Result<Vec<Row>> {
    let records = records::<sys::Message>(&answer, |lib| lib.result_messages)?;
    // SAFETY: the answer is open until the end of this function.
    Ok(records.into_iter().map(|m| unsafe { row(&m) }).collect())
}

/// # Safety
///
/// The result the message was read from is still open.
unsafe fn row(m: &sys::Message) -> Row {
    let has = |bit| m.present & bit != 0;
    Row {
        id: m.id,
        queue_id: m.queue_id,
        // SAFETY: as the caller says.
        payload: unsafe { text(m.payload) },
        read_ct: m.read_ct,
        enqueued_at: instant(m.enqueued_at),
        vt: instant(m.vt),
        dequeued_at: has(sys::HAS_DEQUEUED_AT).then(|| instant(m.dequeued_at)),
        archived_at: has(sys::HAS_ARCHIVED_AT).then(|| instant(m.archived_at)),
        producer_worker_id: has(sys::HAS_PRODUCER_WORKER_ID).then_some(m.producer_worker_id),
        consumer_worker_id: has(sys::HAS_CONSUMER_WORKER_ID).then_some(m.consumer_worker_id),
        dead_reason: has(sys::HAS_DEAD_REASON).then(|| unsafe { text(m.dead_reason) }),
    }
}
