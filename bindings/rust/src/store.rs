use std::fmt;
use std::time::Duration;

use crate::call::{count, document, nothing, record, Call, Object, Submission};
use crate::messages::{millis, rows, view, Row};
use crate::pump::Answer;
use crate::records::{all, QueueInfo, QueueMetrics, SystemStats, WorkflowStatus};
use crate::sql::{self, Sql, Statement};
use crate::sys::{self, Handle, Symbols};
use crate::workers::{only, Consumer, Producer, Worker, WorkerOptions};
use crate::Result;

/// How a store is opened.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions<'a> {
    /// Installs the schema while opening.
    pub bootstrap: bool,
    /// A flat JSON object of properties by name, as in a configuration file, or empty.
    pub config: &'a str,
}

/// How a queue is created.
#[derive(Clone, Debug, Default)]
pub struct QueueOptions {
    /// Leases before a message is dead-lettered; 0: the store's.
    pub max_read_ct: i32,
}

/// Which rows a listing is about. What is not given does not restrict.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    /// Only this queue.
    pub queue: &'a str,
    /// A JSON document: only messages whose payload contains it.
    pub payload: &'a str,
    /// The consumer that holds, or finished, the message.
    pub worker_id: i64,
    /// Leased at least so often.
    pub min_read_ct: i32,
    /// Archive: dead letters only.
    pub dead_only: bool,
    /// 0: 100.
    pub limit: i64,
    /// Rows to skip.
    pub offset: i64,
    /// Purges, health and reclaim: the age; zero: their default.
    pub older_than: Duration,
    /// Steps: only those of this run.
    pub run_id: i64,
    /// Runs: only those in this state. Their workflow is the `queue`.
    pub status: Option<WorkflowStatus>,
}

impl Filter<'_> {
    fn twin(&self) -> sys::TableOptions {
        sys::TableOptions {
            flags: if self.dead_only { sys::FILTER_DEAD_ONLY } else { 0 },
            queue: view(self.queue),
            payload: view(self.payload),
            worker_id: self.worker_id,
            min_read_ct: self.min_read_ct,
            limit: self.limit,
            offset: self.offset,
            older_than_ms: millis(self.older_than),
            run_id: self.run_id,
            status: view(self.status.map_or("", WorkflowStatus::as_str)),
            ..Default::default()
        }
    }
}

/// A database with queues. The last clone that is dropped closes; producers and
/// consumers go on, and the store ends with the last of them.
#[derive(Clone)]
pub struct Store {
    pub(crate) object: Object,
}

pub(crate) type OnName = unsafe extern "C" fn(Handle, *const sys::Str, Handle, u64, *mut Handle, *mut Handle) -> i32;
pub(crate) type OnId = unsafe extern "C" fn(Handle, i64, Handle, u64, *mut Handle, *mut Handle) -> i32;
pub(crate) type OnRows =
    unsafe extern "C" fn(Handle, *const sys::TableOptions, Handle, u64, *mut Handle, *mut Handle) -> i32;
pub(crate) type OnNew = unsafe extern "C" fn(
    Handle,
    *const sys::Str,
    *const sys::QueueOptions,
    Handle,
    u64,
    *mut Handle,
    *mut Handle,
) -> i32;
type OnWorker = unsafe extern "C" fn(
    Handle,
    *const sys::Str,
    *const sys::WorkerOptions,
    Handle,
    u64,
    *mut Handle,
    *mut Handle,
) -> i32;

impl Store {
    /// Opens a store by DSN, for example `"sqlite:///jobs.db"` or
    /// `"postgresql://user@host/database"`.
    pub fn open(dsn: &str) -> Call<Store> {
        Store::open_with(dsn, OpenOptions::default())
    }

    /// Opens a store otherwise.
    pub fn open_with(dsn: &str, options: OpenOptions) -> Call<Store> {
        let given = sys::StoreOptions {
            flags: if options.bootstrap { sys::STORE_BOOTSTRAP } else { 0 },
            dsn: view(dsn),
            config: view(options.config),
            ..Default::default()
        };
        let read = |answer| {
            Ok(Store {
                object: Object::of(answer),
            })
        };
        // SAFETY: what the options show lives until the call returns.
        Call::start(read, |lib, s| unsafe {
            (lib.store_open)(&given, s.cq, s.user_data, s.op, s.error)
        })
    }

    /// Ends the store, and every producer and consumer opened through it: what is under
    /// way is flushed, leases are given back.
    pub fn close(&self) -> Call<()> {
        self.object.plain(nothing, |lib| lib.store_stop)
    }

    /// Creates or upgrades the tables.
    pub fn install(&self) -> Call<()> {
        self.object.plain(nothing, |lib| lib.store_install)
    }

    /// Checks the tables.
    pub fn verify(&self) -> Call<()> {
        self.object.plain(nothing, |lib| lib.store_verify)
    }

    /// The text of a statement for the schema of this store: see [`sql`](crate::sql()).
    /// On SQLite `Unsupported`: its one writer cannot be shared.
    pub fn sql(&self, statement: Statement) -> Result<Sql> {
        sql::text(self.object.lib(), self.object.handle(), "", statement)
    }

    /// Drops the tables and every message in them.
    pub fn uninstall(&self) -> Call<()> {
        self.object.plain(nothing, |lib| lib.store_uninstall)
    }

    /// How calls that were in flight together have shared transactions: a JSON object.
    pub fn activity(&self) -> Call<String> {
        self.object.plain(document, |lib| lib.store_activity)
    }

    /// The settings of the database that bear on durability and speed, in a fixed order:
    /// a JSON array of names and values.
    pub fn inspect(&self) -> Call<String> {
        self.object.plain(document, |lib| lib.store_inspect)
    }

    /// Counts over the whole store.
    pub fn stats(&self) -> Call<SystemStats> {
        self.object.plain(record(SystemStats::read), |lib| lib.store_stats)
    }

    /// Registers a producer of a queue.
    pub fn producer(&self, queue: &str) -> Call<Producer> {
        self.producer_with(queue, WorkerOptions::default())
    }

    /// Registers a producer otherwise.
    pub fn producer_with(&self, queue: &str, options: WorkerOptions) -> Call<Producer> {
        self.register(queue, options, |worker| Producer { worker }, |lib| lib.producer_open)
    }

    /// Registers a consumer of a queue.
    pub fn consumer(&self, queue: &str) -> Call<Consumer> {
        self.consumer_with(queue, WorkerOptions::default())
    }

    /// Registers a consumer otherwise.
    pub fn consumer_with(&self, queue: &str, options: WorkerOptions) -> Call<Consumer> {
        self.register(queue, options, |worker| Consumer { worker }, |lib| lib.consumer_open)
    }

    /// Creates a queue; `QueueExists` is the expected failure.
    pub fn create_queue(&self, name: &str) -> Call<QueueInfo> {
        self.create_queue_with(name, QueueOptions::default())
    }

    /// Creates a queue otherwise.
    pub fn create_queue_with(&self, name: &str, options: QueueOptions) -> Call<QueueInfo> {
        self.create(name, options, record(QueueInfo::read), |lib| lib.queue_create)
    }

    /// Finds a queue by its id.
    pub fn get_queue_by_id(&self, id: i64) -> Call<QueueInfo> {
        self.id(id, record(QueueInfo::read), |lib| lib.queue_by_id)
    }

    /// Counts queues.
    pub fn count_queues(&self) -> Call<i64> {
        self.rows(Filter::default(), count, |lib| lib.queue_count)
    }

    /// Finds a queue.
    pub fn get_queue(&self, name: &str) -> Call<QueueInfo> {
        self.name(name, record(QueueInfo::read), |lib| lib.queue_get)
    }

    /// Lists queues; only `limit` and `offset` of a filter apply.
    pub fn list_queues(&self, filter: Filter) -> Call<Vec<QueueInfo>> {
        self.rows(filter, record(|v| all(v, QueueInfo::read)), |lib| lib.queue_list)
    }

    /// Removes an empty queue.
    pub fn delete_queue(&self, name: &str) -> Call<()> {
        self.name(name, nothing, |lib| lib.queue_delete)
    }

    /// Removes every message of a queue, keeps its archive, and answers how many.
    pub fn purge_queue(&self, name: &str) -> Call<i64> {
        self.name(name, count, |lib| lib.queue_purge)
    }

    /// Counts the messages of a queue.
    pub fn metrics(&self, queue: &str) -> Call<QueueMetrics> {
        let one = |v: &crate::json::Value| QueueMetrics::read(v.array()?.first()?);
        self.rows(
            Filter {
                queue,
                ..Default::default()
            },
            record(one),
            |lib| lib.queue_metrics,
        )
    }

    /// Finds a message in its queue.
    pub fn get_message(&self, id: i64) -> Call<Row> {
        self.id(id, row, |lib| lib.message_get)
    }

    /// Lists messages in their queues.
    pub fn list_messages(&self, filter: Filter) -> Call<Vec<Row>> {
        self.rows(filter, rows, |lib| lib.message_list)
    }

    /// Counts messages in their queues.
    pub fn count_messages(&self, filter: Filter) -> Call<i64> {
        self.rows(filter, count, |lib| lib.message_count)
    }

    /// Finds a message in the archive.
    pub fn get_archived(&self, id: i64) -> Call<Row> {
        self.id(id, row, |lib| lib.archive_get)
    }

    /// Lists the archive, or the dead letters in it.
    pub fn list_archived(&self, filter: Filter) -> Call<Vec<Row>> {
        self.rows(filter, rows, |lib| lib.archive_list)
    }

    /// Counts the archive, or the dead letters in it.
    pub fn count_archived(&self, filter: Filter) -> Call<i64> {
        self.rows(filter, count, |lib| lib.archive_count)
    }

    /// Moves a message that nobody leases to the archive as a dead letter.
    pub fn dead_letter(&self, id: i64) -> Call<()> {
        self.id(id, nothing, |lib| lib.message_dead_letter)
    }

    /// Puts a dead letter back into its queue.
    pub fn replay(&self, id: i64) -> Call<()> {
        self.id(id, nothing, |lib| lib.archive_replay)
    }

    /// Removes a message from the archive.
    pub fn delete_archived(&self, id: i64) -> Call<()> {
        self.id(id, nothing, |lib| lib.archive_delete)
    }

    /// Removes archived messages for good: those for which all that is given of `queue`,
    /// `worker_id`, `older_than` and `dead_only` holds. One must be given.
    pub fn purge_archive(&self, filter: Filter) -> Call<i64> {
        self.rows(filter, count, |lib| lib.archive_purge)
    }

    /// Any other asynchronous function of `pgqrs.h` whose first argument is a store and
    /// whose result is a JSON document:
    ///
    /// ```no_run
    /// # fn show(store: &pgqrs::Store, run_id: i64) -> pgqrs::Result<()> {
    /// // SAFETY: the submission goes to the function as it came, and what pointers lead to is valid.
    /// let run = store.json(|lib, store, s| unsafe { (lib.run_get)(store, run_id, s.cq, s.user_data, s.op, s.error) });
    /// println!("{}", run.wait()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn json(&self, call: impl FnOnce(&Symbols, Handle, Submission) -> i32) -> Call<String> {
        self.object.call(document, call)
    }

    pub(crate) fn create<T>(
        &self,
        name: &str,
        options: QueueOptions,
        read: impl FnOnce(Answer) -> Result<T> + Send + 'static,
        function: impl FnOnce(&Symbols) -> OnNew,
    ) -> Call<T> {
        let given = sys::QueueOptions {
            max_read_ct: options.max_read_ct,
            ..Default::default()
        };
        // SAFETY: the name and the options live until the call returns.
        self.object.call(read, |lib, store, s| unsafe {
            function(lib)(store, &view(name), &given, s.cq, s.user_data, s.op, s.error)
        })
    }

    fn register<T>(
        &self,
        queue: &str,
        options: WorkerOptions,
        make: impl FnOnce(Worker) -> T + Send + 'static,
        function: impl FnOnce(&Symbols) -> OnWorker,
    ) -> Call<T> {
        let read = |answer| {
            Ok(make(Worker {
                object: Object::of(answer),
            }))
        };
        // SAFETY: the name and the options live until the call returns.
        self.object.call(read, |lib, store, s| unsafe {
            function(lib)(store, &view(queue), &options.twin(), s.cq, s.user_data, s.op, s.error)
        })
    }

    pub(crate) fn name<T>(
        &self,
        name: &str,
        read: impl FnOnce(Answer) -> Result<T> + Send + 'static,
        function: impl FnOnce(&Symbols) -> OnName,
    ) -> Call<T> {
        // SAFETY: the name lives until the call returns.
        self.object.call(read, |lib, store, s| unsafe {
            function(lib)(store, &view(name), s.cq, s.user_data, s.op, s.error)
        })
    }

    pub(crate) fn id<T>(
        &self,
        id: i64,
        read: impl FnOnce(Answer) -> Result<T> + Send + 'static,
        function: impl FnOnce(&Symbols) -> OnId,
    ) -> Call<T> {
        // SAFETY: no pointers of this crate's own.
        self.object.call(read, |lib, store, s| unsafe {
            function(lib)(store, id, s.cq, s.user_data, s.op, s.error)
        })
    }

    pub(crate) fn rows<T>(
        &self,
        filter: Filter,
        read: impl FnOnce(Answer) -> Result<T> + Send + 'static,
        function: impl FnOnce(&Symbols) -> OnRows,
    ) -> Call<T> {
        // SAFETY: what the options show lives until the call returns.
        self.object.call(read, |lib, store, s| unsafe {
            function(lib)(store, &filter.twin(), s.cq, s.user_data, s.op, s.error)
        })
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Store({:#x})", self.object.handle())
    }
}

/// The only row of a call that finds one.
fn row(answer: Answer) -> Result<Row> {
    rows(answer).and_then(only)
}
