use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
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

impl Field for WorkerStatus {
    fn read(value: &Value, _: &str) -> Option<WorkerStatus> {
        WorkerStatus::read(value)
    }
}

impl Field for WorkflowStatus {
    fn read(value: &Value, name: &str) -> Option<WorkflowStatus> {
        let word = value.text(name)?;
        WorkflowStatus::ALL.into_iter().find(|s| s.as_str() == word)
    }
}

impl Field for Document {
    fn read(value: &Value, name: &str) -> Option<Document> {
        value.get(name).map(|document| Document(document.to_string()))
    }
}

/// Null is "none".
impl<T: Field> Field for Option<T> {
    fn read(value: &Value, name: &str) -> Option<Option<T>> {
        match value.get(name)? {
            Value::Null => Some(None),
            _ => T::read(value, name).map(Some),
        }
    }
}

/// A JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(String);

impl Deref for Document {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self)
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

records! {
    /// A registered producer or consumer.
    WorkerInfo {
        /// Never changes.
        id: i64,
        /// Made of its queue, its host and its port.
        name: String,
        /// A label.
        hostname: String,
        /// A label.
        port: i32,
        /// Not there: its queue is gone.
        queue_id: Option<i64>,
        /// What it is doing.
        status: WorkerStatus,
        /// When it was registered.
        started_at: SystemTime,
        /// Its last sign of life.
        heartbeat_at: SystemTime,
        /// There: when it ended.
        shutdown_at: Option<SystemTime>,
    }

    /// Counts of the workers of one queue.
    WorkerStats {
        /// Of the queue.
        queue_id: i64,
        /// Of the queue.
        queue_name: String,
        /// Of all states.
        total: i64,
        /// By [`WorkerStatus`], as the others.
        ready: i64,
        /// By [`WorkerStatus`].
        polling: i64,
        /// By [`WorkerStatus`].
        suspended: i64,
        /// By [`WorkerStatus`].
        interrupted: i64,
        /// By [`WorkerStatus`].
        stopped: i64,
        /// How many of them are producers.
        producers: i64,
        /// How many of them are consumers.
        consumers: i64,
        /// Of those that are not stopped.
        oldest_heartbeat: Option<SystemTime>,
        /// Of those that are not stopped.
        newest_heartbeat: Option<SystemTime>,
    }

    /// Live and dead workers of one queue, by the age of their heartbeat.
    WorkerHealth {
        /// Of the queue.
        queue_id: i64,
        /// Of the queue.
        queue_name: String,
        /// The sum of the others.
        total: i64,
        /// With a recent heartbeat.
        healthy: i64,
        /// Without one.
        stale: i64,
        /// That have ended.
        stopped: i64,
    }

    /// A workflow: a name, and the queue of that name, which carries its runs.
    WorkflowInfo {
        /// Never changes.
        id: i64,
        /// Also of its queue.
        name: String,
        /// Of its queue.
        queue_id: i64,
        /// When it was created.
        created_at: SystemTime,
    }

    /// One execution of a workflow, however often it was interrupted.
    WorkflowRun {
        /// Never changes.
        id: i64,
        /// Of the workflow.
        workflow_id: i64,
        /// Of the workflow.
        workflow_name: String,
        /// The message that carries it; a resumed run has a new one.
        message_id: Option<i64>,
        /// Where it is.
        status: WorkflowStatus,
        /// How often it was started.
        attempt: i32,
        /// What it was triggered with.
        input: Document,
        /// What it came to.
        output: Option<Document>,
        /// Why it failed.
        error: Option<String>,
        /// When it was triggered.
        created_at: SystemTime,
        /// Its first start.
        started_at: Option<SystemTime>,
        /// Its last change.
        updated_at: SystemTime,
        /// There: it is paused since then.
        paused_at: Option<SystemTime>,
        /// When it succeeded, failed or was cancelled.
        completed_at: Option<SystemTime>,
    }

    /// One step of a run.
    WorkflowStep {
        /// Never changes.
        id: i64,
        /// Of the run.
        run_id: i64,
        /// Unique in the run.
        step_name: String,
        /// `Running`, `Queued` while it waits for its next attempt, `Success` or `Error`.
        status: WorkflowStatus,
        /// How often it was begun.
        attempt: i32,
        /// How often it failed; an attempt that was interrupted did not.
        failures: i32,
        /// What it came to.
        output: Option<Document>,
        /// Its last failure.
        error: Option<String>,
        /// Of a queued one: from when on it may be acquired again.
        retry_at: Option<SystemTime>,
        /// When it was begun first.
        created_at: SystemTime,
        /// When it was begun last.
        started_at: SystemTime,
        /// Its last change.
        updated_at: SystemTime,
        /// When it succeeded or failed for good.
        completed_at: Option<SystemTime>,
    }
}

/// The state of a run or a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkflowStatus {
    /// Waits to be started.
    Queued,
    /// Under way.
    Running,
    /// Stopped until it is resumed.
    Paused,
    /// Has succeeded.
    Success,
    /// Has failed.
    Error,
    /// Was ended from outside.
    Cancelled,
}

impl WorkflowStatus {
    const ALL: [WorkflowStatus; 6] = [
        WorkflowStatus::Queued,
        WorkflowStatus::Running,
        WorkflowStatus::Paused,
        WorkflowStatus::Success,
        WorkflowStatus::Error,
        WorkflowStatus::Cancelled,
    ];

    /// The word of the database.
    pub fn as_str(self) -> &'static str {
        match self {
            WorkflowStatus::Queued => "queued",
            WorkflowStatus::Running => "running",
            WorkflowStatus::Paused => "paused",
            WorkflowStatus::Success => "success",
            WorkflowStatus::Error => "error",
            WorkflowStatus::Cancelled => "cancelled",
        }
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
