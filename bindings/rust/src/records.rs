use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::json::Value;
use crate::log::LogLevel;
use crate::messages::instant;

/// A member of a document, by the type of the field it fills.
pub(crate) trait Field: Sized {
    fn read(value: &Value, name: &str) -> Option<Self>;
}

impl Field for i64 {
    fn read(value: &Value, name: &str) -> Option<i64> {
        value.integer(name)
    }
}

impl Field for i32 {
    fn read(value: &Value, name: &str) -> Option<i32> {
        value.integer(name)?.try_into().ok()
    }
}

impl Field for String {
    fn read(value: &Value, name: &str) -> Option<String> {
        value.text(name).map(String::from)
    }
}

impl Field for SystemTime {
    fn read(value: &Value, name: &str) -> Option<SystemTime> {
        value.integer(name).map(instant)
    }
}

impl Field for Option<SystemTime> {
    fn read(value: &Value, name: &str) -> Option<Option<SystemTime>> {
        Some(Field::read(value, name))
    }
}

/// Records whose fields have the names of the document's members.
macro_rules! records {
    ($($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $field:ident: $kind:ty,)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$what])* pub $field: $kind,)*
        }

        impl $name {
            pub(crate) fn read(value: &Value) -> Option<$name> {
                Some($name { $($field: Field::read(value, stringify!($field))?,)* })
            }
        }
    )*};
}

records! {
    /// What the library logged.
    LogLine {
        /// When it did.
        time: SystemTime,
        /// How grave it is.
        level: LogLevel,
        /// One sentence, the same for every line of its kind.
        message: String,
        /// `store` is the DSN without its password, `error` says why.
        attributes: BTreeMap<String, String>,
        /// Lines that were lost since the one before, because nobody took them.
        dropped: i64,
    }

    /// A queue.
    QueueInfo {
        /// Never changes.
        id: i64,
        /// Its name.
        queue_name: String,
        /// When it was created.
        created_at: SystemTime,
        /// Leases a message may have before it is dead-lettered.
        max_read_ct: i32,
    }

    /// Counts of the messages of one queue. `pending + delayed + leased` is its size.
    QueueMetrics {
        /// Of the queue.
        queue_id: i64,
        /// Of the queue.
        queue_name: String,
        /// May be dequeued now, expired leases included.
        pending: i64,
        /// Not yet eligible, and not leased.
        delayed: i64,
        /// Owned by a consumer.
        leased: i64,
        /// Finished by consumers.
        archived: i64,
        /// Dead letters.
        dead: i64,
        /// Since when the oldest of the pending is eligible.
        oldest_pending: Option<SystemTime>,
    }

    /// Counts over the whole store.
    SystemStats {
        /// Queues.
        queues: i64,
        /// Workers that are registered and not stopped.
        workers: i64,
        /// As in [`QueueMetrics`], of all queues.
        pending: i64,
        /// As in [`QueueMetrics`], of all queues.
        delayed: i64,
        /// As in [`QueueMetrics`], of all queues.
        leased: i64,
        /// As in [`QueueMetrics`], of all queues.
        archived: i64,
        /// As in [`QueueMetrics`], of all queues.
        dead: i64,
        /// Of the tables.
        schema_version: i64,
    }
}

/// The state of a producer or consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkerStatus {
    /// Works.
    Ready,
    /// Works, in a loop that takes messages.
    Polling,
    /// Refuses to work until it is resumed.
    Suspended,
    /// Refuses to dequeue until it is resumed.
    Interrupted,
    /// Has ended.
    Stopped,
}

impl WorkerStatus {
    pub(crate) fn read(value: &Value) -> Option<WorkerStatus> {
        match value.text("status")? {
            "ready" => Some(WorkerStatus::Ready),
            "polling" => Some(WorkerStatus::Polling),
            "suspended" => Some(WorkerStatus::Suspended),
            "interrupted" => Some(WorkerStatus::Interrupted),
            "stopped" => Some(WorkerStatus::Stopped),
            _ => None,
        }
    }
}

/// The elements of an array.
pub(crate) fn all<T>(value: &Value, one: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    value.array()?.iter().map(one).collect()
}
