//! A durable job queue on PostgreSQL or one SQLite file, over the shared library
//! `libpgqrs.so.1`.
//!
//! ```no_run
//! # async fn work() -> Result<(), pgqrs::Error> {
//! use pgqrs::{OpenOptions, Store};
//!
//! let store = Store::open_with("sqlite:///jobs.db", OpenOptions { bootstrap: true, ..Default::default() }).await?;
//! let producer = store.producer("tasks").await?;
//! producer.enqueue(r#"{"send":"welcome"}"#).await?;
//!
//! let consumer = store.consumer("tasks").await?;
//! let mut messages = consumer.messages(Default::default());
//! while let Some(message) = messages.next().await {
//!     let message = message?;
//!     println!("working on {}", message.payload);
//!     message.archive().await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Every call returns a [`Call`]: a future for any runtime, or [`Call::wait`] for a
//! thread that may wait. It has begun when it is returned, and is cancelled by drop.
//!
//! Payloads are JSON documents. Spans are [`Duration`](std::time::Duration)s, rounded
//! up to milliseconds; zero is the default of the store. Objects are cheap to clone and
//! may be used from any thread; the last clone that is dropped closes.
//!
//! The library is named by `PGQRS_LIBRARY`; else it is looked for beside the program
//! and where the system's loader looks. After `fork` nothing works in the child.

mod call;
mod errors;
mod iterate;
mod json;
#[cfg(test)]
mod layout;
mod library;
mod log;
mod losses;
mod messages;
mod pump;
mod records;
mod several;
mod sql;
mod store;
#[rustfmt::skip]
pub mod sys;
mod worker_tables;
mod workers;
mod workflows;

pub use call::{Call, Submission};
pub use errors::Error;
pub use iterate::{Iter, Messages};
pub use library::{shutdown, version};
pub use log::{log, Lines, LogLevel};
pub use losses::Losses;
pub use messages::{Message, Row, Token};
pub use records::{
    Document, LogLine, QueueInfo, QueueMetrics, SystemStats, WorkerHealth, WorkerInfo, WorkerStats, WorkerStatus,
};
pub use records::{WorkflowInfo, WorkflowRun, WorkflowStatus, WorkflowStep};
pub use sql::{sql, Sql, SqlParameter, Statement};
pub use store::{Filter, OpenOptions, QueueOptions, Store};
pub use sys::Code;
pub use workers::{
    BatchOptions, Consumer, DequeueOptions, EnqueueOptions, Producer, ReleaseOptions, Worker, WorkerOptions,
};
pub use workflows::{Acquired, Run};

/// What calls of this crate answer.
pub type Result<T> = std::result::Result<T, Error>;
