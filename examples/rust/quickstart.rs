//! Stores a message, takes it, and finishes it, with the blocking forms of pgqrs.h:
//!
//!     make lib && rustc --edition 2021 -L build -l pgqrs -C link-arg=-Wl,-rpath,$PWD/build examples/rust/quickstart.rs
//!
//! No crate is needed. A program with an event loop uses a completion queue instead
//! and watches its descriptor.

use std::ffi::{c_char, c_void};
use std::{error, fmt, ptr, slice, str};

type Handle = u64;

const QUEUE_EXISTS: i32 = -402;

/// pgqrs_str: borrowed bytes.
#[repr(C)]
struct Str {
    data: *const c_char,
    len: u64,
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Str { data: text.as_ptr().cast(), len: text.len() as u64 }
    }
}

impl Str {
    /// The text, which must not outlive the owner of the view.
    unsafe fn text(&self) -> String {
        if self.len == 0 {
            return String::new();
        }
        String::from_utf8_lossy(slice::from_raw_parts(self.data.cast(), self.len as usize)).into_owned()
    }
}

/// pgqrs_list.
#[repr(C)]
struct List {
    items: *const c_void,
    item_size: u32,
    count: u32,
}

/// pgqrs_message; what the library appends to it is passed over by List::item_size.
#[repr(C)]
struct Message {
    id: i64,
    queue_id: i64,
    times: [i64; 4],
    workers: [i64; 2],
    payload: Str,
    dead_reason: Str,
    read_ct: i32,
    present: u32,
}

/// pgqrs_error_detail.
#[repr(C)]
struct Detail {
    struct_size: u32,
    code: i32,
    message: Str,
    operation: Str,
    field: Str,
    sqlstate: [c_char; 8],
    retry_after_ms: i64,
    flags: u32,
    reserved: u32,
}

extern "C" {
    fn pgqrs_close(handle: Handle) -> i32;
    fn pgqrs_error_info(error: Handle, detail: *mut Detail) -> i32;
    fn pgqrs_shutdown_wait(timeout_ms: i64) -> i32;
    fn pgqrs_store_open_wait(dsn: *const Str, timeout_ms: i64, store: *mut Handle, error: *mut Handle) -> i32;
    fn pgqrs_queue_create_wait(store: Handle, queue: *const Str, timeout_ms: i64, error: *mut Handle) -> i32;
    fn pgqrs_producer_open_wait(store: Handle, queue: *const Str, timeout_ms: i64, out: *mut Handle, error: *mut Handle) -> i32;
    fn pgqrs_consumer_open_wait(store: Handle, queue: *const Str, timeout_ms: i64, out: *mut Handle, error: *mut Handle) -> i32;
    fn pgqrs_enqueue_wait(
        producer: Handle, payload: *const Str, delay_ms: i64, timeout_ms: i64, id: *mut i64, error: *mut Handle,
    ) -> i32;
    fn pgqrs_dequeue_wait(
        consumer: Handle, batch: u32, lease_ms: i64, wait_ms: i64, timeout_ms: i64, result: *mut Handle, error: *mut Handle,
    ) -> i32;
    fn pgqrs_result_messages(result: Handle, messages: *mut List) -> i32;
    fn pgqrs_archive_wait(consumer: Handle, id: i64, read_ct: i32, timeout_ms: i64, error: *mut Handle) -> i32;
}

/// What went wrong: a status of pgqrs.h and its text.
#[derive(Debug)]
struct Error {
    code: i32,
    text: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.code)
    }
}

impl error::Error for Error {}

/// Owns a handle and closes it.
struct Owned(Handle);

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: closing is allowed for any handle, once; nobody else has this one.
        unsafe { pgqrs_close(self.0) };
    }
}

/// Makes a call whose last parameter is an error handle.
fn call(f: impl FnOnce(*mut Handle) -> i32) -> Result<(), Error> {
    let mut failure = 0;
    let code = f(&mut failure);
    if code >= 0 {
        return Ok(());
    }
    let failure = Owned(failure);
    // SAFETY: an all-zero detail is what PGQRS_INIT makes, and its views are copied
    // before the error is closed.
    let text = unsafe {
        let mut detail: Detail = std::mem::zeroed();
        detail.struct_size = std::mem::size_of::<Detail>() as u32;
        pgqrs_error_info(failure.0, &mut detail);
        detail.message.text()
    };
    Err(Error { code, text })
}

/// Makes a call that answers a handle.
fn open(f: impl FnOnce(*mut Handle, *mut Handle) -> i32) -> Result<Owned, Error> {
    let mut handle = 0;
    call(|error| f(&mut handle, error))?;
    Ok(Owned(handle))
}

fn work() -> Result<(), Box<dyn error::Error>> {
    let (dsn, queue) = (Str::from("sqlite:///jobs.db"), Str::from("tasks"));
    // SAFETY of all calls: pointers are valid for their length, inputs are copied.
    let store = open(|out, error| unsafe { pgqrs_store_open_wait(&dsn, -1, out, error) })?;
    match call(|error| unsafe { pgqrs_queue_create_wait(store.0, &queue, -1, error) }) {
        Err(failure) if failure.code != QUEUE_EXISTS => return Err(failure.into()),
        _ => {}
    }
    let producer = open(|out, error| unsafe { pgqrs_producer_open_wait(store.0, &queue, -1, out, error) })?;
    let consumer = open(|out, error| unsafe { pgqrs_consumer_open_wait(store.0, &queue, -1, out, error) })?;

    let payload = Str::from(r#"{"send":"welcome"}"#);
    let mut id = 0;
    call(|error| unsafe { pgqrs_enqueue_wait(producer.0, &payload, 0, -1, &mut id, error) })?;
    println!("stored as {id}");

    let batch = open(|out, error| unsafe { pgqrs_dequeue_wait(consumer.0, 10, 30_000, 1_000, -1, out, error) })?;
    let mut list = List { items: ptr::null(), item_size: 0, count: 0 };
    call(|_| unsafe { pgqrs_result_messages(batch.0, &mut list) })?;
    for i in 0..list.count {
        // SAFETY: item i is there, and lives as long as the batch.
        let message = unsafe { &*list.items.cast::<u8>().add((i * list.item_size) as usize).cast::<Message>() };
        println!("working on {}", unsafe { message.payload.text() });
        call(|error| unsafe { pgqrs_archive_wait(consumer.0, message.id, message.read_ct, -1, error) })?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn error::Error>> {
    let outcome = work();
    unsafe { pgqrs_shutdown_wait(1_000) };
    outcome
}
