//! What the vectors do not reach: futures, cancellation, drops, iteration, batches,
//! errors. Every test has a store in memory; equal ones of a process are shared, so each
//! has a queue of its own.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::task::{Context, Wake};
use std::thread;
use std::time::{Duration, SystemTime};

use executor::block_on;
use pgqrs::{Acquired, BatchOptions, Code, Consumer, DequeueOptions, EnqueueOptions, Filter, LogLevel, OpenOptions};
use pgqrs::{Producer, QueueOptions, ReleaseOptions, Statement, Store, WorkerOptions, WorkerStatus, WorkflowStatus};

mod executor;

const LONG: Duration = Duration::from_secs(20);

struct Fixture {
    store: Store,
    queue: String,
    producer: Producer,
    consumer: Consumer,
}

fn fixture() -> Fixture {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let queue = format!("tasks{}", LAST.fetch_add(1, Ordering::Relaxed));
    let options = OpenOptions {
        bootstrap: true,
        config: "",
    };
    let store = Store::open_with("sqlite::memory:", options).wait().unwrap();
    store.create_queue(&queue).wait().unwrap();
    let producer = store.producer(&queue).wait().unwrap();
    let consumer = store.consumer(&queue).wait().unwrap();
    Fixture {
        store,
        queue,
        producer,
        consumer,
    }
}

fn waiting(wait: Duration) -> DequeueOptions {
    DequeueOptions {
        wait: Some(wait),
        ..Default::default()
    }
}

/// Counts how often it is called.
#[derive(Default)]
struct Counter(AtomicU32);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Counter {
    fn wait(&self) {
        while self.0.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
    }
}

#[test]
fn a_message_goes_its_way() {
    let f = fixture();
    let before = SystemTime::now() - Duration::from_secs(5);
    let id = f.producer.enqueue(r#"{"n":1}"#).wait().unwrap();
    let batch = f.consumer.dequeue(waiting(LONG)).wait().unwrap();
    let message = &batch[0];
    assert_eq!((message.id, message.read_ct, batch.len()), (id, 1, 1));
    assert_eq!(message.payload, r#"{"n":1}"#);
    assert_eq!(message.producer_worker_id, Some(f.producer.id().unwrap()));
    assert_eq!(message.consumer_worker_id, Some(f.consumer.id().unwrap()));
    assert!(message.enqueued_at > before && message.vt > message.enqueued_at && message.dequeued_at.is_some());
    assert_eq!((message.archived_at, &message.dead_reason), (None, &None));
    assert!(message.extend(Duration::from_secs(60)).wait().unwrap());
    assert!(message.archive().wait().unwrap());
    assert!(!message.archive().wait().unwrap());
    assert!(!message.delete().wait().unwrap());
    assert!(f.store.get_archived(id).wait().unwrap().archived_at.is_some());
    let none: [i64; 0] = [];
    assert!(f.consumer.archive_many(none).wait().unwrap().is_empty());
}

#[test]
fn the_last_waker_is_called_once() {
    let f = fixture();
    let (first, last) = (Arc::new(Counter::default()), Arc::new(Counter::default()));
    let mut taken = pin!(f.consumer.dequeue(waiting(Duration::MAX)));
    for counter in [&first, &first, &last] {
        let waker = counter.clone().into();
        assert!(taken.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    f.producer.enqueue("1").wait().unwrap();
    last.wait();
    assert_eq!(first.0.load(Ordering::SeqCst), 0);
    assert!(block_on(block_on(taken).unwrap()[0].archive()).unwrap());
    assert_eq!(last.0.load(Ordering::SeqCst), 1);
}

#[test]
fn futures_run_together_and_on_any_thread() {
    let f = fixture();
    let calls: Vec<_> = (0..500).map(|n| f.producer.enqueue(n.to_string())).collect();
    let mut ids: Vec<_> = thread::spawn(|| calls.into_iter().map(|c| block_on(c).unwrap()).collect())
        .join()
        .unwrap();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 500);
    assert_eq!(
        f.store
            .count_messages(Filter {
                queue: &f.queue,
                ..Default::default()
            })
            .wait()
            .unwrap(),
        500
    );
}

#[test]
fn a_dropped_dequeue_leaves_no_lease() {
    let f = fixture();
    drop(f.consumer.dequeue(waiting(Duration::MAX))); // while it waits
    let counter = Arc::new(Counter::default());
    let waker = counter.clone().into();
    let mut taken = Box::pin(f.consumer.dequeue(waiting(LONG)));
    assert!(taken.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()); // the queue is empty
    let id = f.producer.enqueue("1").wait().unwrap();
    counter.wait();
    drop(taken); // when it has the message
    let again = f.consumer.dequeue(waiting(LONG)).wait().unwrap();
    assert_eq!((again[0].id, again[0].read_ct), (id, 1));
}

#[test]
fn a_cancelled_call_says_so_and_a_time_limit_too() {
    let f = fixture();
    let call = f.consumer.dequeue(waiting(Duration::MAX));
    call.cancel();
    assert_eq!(call.wait().unwrap_err().code(), Code::Cancelled);
    let late = f
        .consumer
        .dequeue(waiting(Duration::MAX))
        .wait_for(Duration::from_millis(20))
        .unwrap_err();
    assert_eq!(late.code(), Code::Timeout);
    assert!(late.safe_to_retry());
    assert!(f.producer.enqueue("1").wait_for(LONG).unwrap() > 0);
}

#[test]
fn a_detached_call_goes_on() {
    let f = fixture();
    f.producer.enqueue("1").detach();
    assert_eq!(f.consumer.dequeue(waiting(LONG)).wait().unwrap().len(), 1);
}

#[test]
fn iteration_gives_back_what_it_never_handed_out() {
    let f = fixture();
    f.producer.enqueue_batch(&["1", "2", "3", "4"]).wait().unwrap();
    let options = DequeueOptions {
        batch: 4,
        auto_extend: true,
        ..Default::default()
    };
    let mut seen = Vec::new();
    for message in f.consumer.messages(options) {
        let message = message.unwrap();
        seen.push(message.payload.clone());
        assert!(message.archive().wait().unwrap());
        if seen.len() == 2 {
            break;
        }
    }
    assert_eq!(seen, ["1", "2"]);
    let again = f
        .consumer
        .dequeue(DequeueOptions {
            batch: 4,
            ..waiting(LONG)
        })
        .wait()
        .unwrap();
    assert!(again.iter().all(|m| m.read_ct == 1) && !again.is_empty());
    for message in &again {
        message
            .release_with(ReleaseOptions { unread: true, at: None })
            .wait()
            .unwrap();
    }

    // A task: a future that is dropped before its end loses nothing.
    let mut messages = f.consumer.messages(waiting(Duration::from_millis(50)));
    block_on(async {
        let waker = Arc::new(Counter::default()).into();
        drop(pin!(messages.next()).poll(&mut Context::from_waker(&waker)));
    });
    let mut rest = Vec::new();
    while let Some(message) = block_on(messages.next()) {
        let message = message.unwrap();
        rest.push(message.payload.clone());
        block_on(message.delete()).unwrap();
    }
    assert!(!rest.is_empty());
    assert!(block_on(std::future::poll_fn(|c| messages.poll_next(c))).is_none());
}

#[test]
fn options_reach_the_store() {
    let f = fixture();
    let key = EnqueueOptions {
        dedup_key: Some("order-7"),
        ..Default::default()
    };
    let first = f.producer.enqueue_with("1", key.clone()).wait().unwrap();
    assert_eq!(f.producer.enqueue_with("2", key).wait().unwrap(), first);
    let keys = [None, Some("order-7")];
    let ids = f.producer.enqueue_batch_with(
        &["3", "4"],
        BatchOptions {
            dedup_keys: &keys,
            ..Default::default()
        },
    );
    assert_eq!(ids.wait().unwrap()[1], first);
    let uneven = f.producer.enqueue_batch_with(
        &["5"],
        BatchOptions {
            dedup_keys: &keys,
            ..Default::default()
        },
    );
    let error = uneven.wait().unwrap_err();
    assert_eq!((error.code(), error.field()), (Code::InvalidArgument, "dedup_keys"));

    let at = Some(SystemTime::now() + Duration::from_secs(3600));
    f.producer
        .enqueue_with(
            "6",
            EnqueueOptions {
                at,
                ..Default::default()
            },
        )
        .wait()
        .unwrap();
    f.producer
        .enqueue_with(
            "7",
            EnqueueOptions {
                delay: LONG,
                ..Default::default()
            },
        )
        .wait()
        .unwrap();
    let metrics = f.store.metrics(&f.queue).wait().unwrap();
    assert_eq!(
        (metrics.pending, metrics.delayed, &metrics.queue_name),
        (2, 2, &f.queue)
    );
    assert!(metrics.oldest_pending.is_some());

    let later = f
        .consumer
        .dequeue(DequeueOptions {
            at,
            batch: u32::MAX,
            ..Default::default()
        })
        .wait()
        .unwrap();
    assert_eq!(later.len(), 4);
    let ephemeral = WorkerOptions {
        ephemeral: true,
        ..Default::default()
    };
    assert_eq!(
        f.store.producer_with(&f.queue, ephemeral).wait().unwrap().id().unwrap(),
        0
    );
    let other = format!("{}-once", f.queue);
    let queue = f
        .store
        .create_queue_with(&other, QueueOptions { max_read_ct: 1 })
        .wait()
        .unwrap();
    assert_eq!(queue.max_read_ct, 1);
    assert!(f.store.stats().wait().unwrap().queues >= 2);
    f.store.verify().wait().unwrap();
}

#[test]
fn errors_say_everything() {
    let f = fixture();
    let error = f.store.get_queue("nobody").wait().unwrap_err();
    assert_eq!(
        (error.code(), error.code().name()),
        (Code::QueueNotFound, "QUEUE_NOT_FOUND")
    );
    assert!(error.to_string().contains("nobody"), "{error}");
    let error = f.producer.enqueue("no JSON").wait().unwrap_err();
    assert_eq!((error.code(), error.operation()), (Code::Serialization, "enqueue"));
    assert!(error.safe_to_retry() && !error.transient());
    assert_eq!((error.sqlstate(), error.retry_after()), ("", Duration::ZERO));
    assert_eq!(f.producer.enqueue("").wait().unwrap_err().code(), Code::Serialization);
    let none: [&str; 0] = [];
    assert_eq!(
        f.producer.enqueue_batch(&none).wait().unwrap_err().code(),
        Code::InvalidArgument
    );
    let error = Store::open("nonsense://").wait().unwrap_err();
    assert!(error.code() == Code::Config && error.safe_to_retry());
    let run = f
        .store
        .json(|lib, store, s| unsafe { (lib.run_get)(store, 4711, s.cq, s.user_data, s.op, s.error) });
    assert_eq!(run.wait().unwrap_err().code(), Code::WorkflowNotFound);
    assert_eq!(Code::of(-5), Code::Internal);
    assert!(pgqrs::version().unwrap().1.to_string_lossy().contains("libpgqrs"));
}

#[test]
fn workers_have_a_life() {
    let f = fixture();
    f.consumer.heartbeat().wait().unwrap();
    let waits = f.consumer.dequeue(waiting(Duration::MAX));
    f.consumer.interrupt().wait().unwrap();
    match waits.wait() {
        Ok(messages) => assert!(messages.is_empty()),
        Err(error) => assert_eq!(error.code(), Code::StateTransition), // the interruption overtook it
    }
    assert_eq!(f.consumer.status().wait().unwrap(), WorkerStatus::Interrupted);
    f.consumer.resume().wait().unwrap();
    f.consumer.suspend().wait().unwrap();
    assert_eq!(
        f.consumer.dequeue(Default::default()).wait().unwrap_err().code(),
        Code::StateTransition
    );
    f.consumer.shutdown().wait().unwrap();
    assert_eq!(f.consumer.status().wait().unwrap(), WorkerStatus::Stopped);
}

/// The consumer lives as long as a message of it, and then gives it back.
#[test]
fn the_last_one_closes() {
    let Fixture {
        store,
        queue,
        producer,
        consumer,
    } = fixture();
    producer.enqueue("1").wait().unwrap();
    let message = consumer.dequeue(waiting(LONG)).wait().unwrap().remove(0);
    drop(consumer);
    assert!(message.extend(LONG).wait().unwrap());
    drop(message);
    let other = store.consumer(&queue).wait().unwrap();
    assert_eq!(other.dequeue(waiting(LONG)).wait().unwrap().len(), 1);
}

#[test]
fn what_waits_ends_with_its_store() {
    let f = fixture();
    let waits = f.consumer.dequeue(waiting(Duration::MAX));
    f.store.close().wait().unwrap();
    assert!(matches!(
        waits.wait().unwrap_err().code(),
        Code::Closed | Code::Cancelled
    ));
    assert_eq!(f.store.stats().wait().unwrap_err().code(), Code::Closed);
}

/// Some things need a process of their own.
#[test]
fn the_library_ends_before_the_process_or_with_it() {
    for name in ["shutdown_ends_what_waits", "a_process_ends_with_calls_under_way"] {
        let program = std::env::current_exe().unwrap();
        let out = std::process::Command::new(program)
            .args([name, "--exact", "--ignored"])
            .output()
            .unwrap();
        assert!(
            out.status.success() && String::from_utf8_lossy(&out.stdout).contains("1 passed"),
            "{out:?}"
        );
    }
}

#[test]
#[ignore = "run by the one above"]
fn shutdown_ends_what_waits() {
    let f = fixture();
    let waits = f.consumer.dequeue(waiting(Duration::MAX));
    pgqrs::shutdown(LONG).unwrap();
    assert!(matches!(
        waits.wait().unwrap_err().code(),
        Code::Closed | Code::Cancelled
    ));
    assert_eq!(f.producer.enqueue("1").wait().unwrap_err().code(), Code::Closed);
    assert_eq!(Store::open("sqlite::memory:").wait().unwrap_err().code(), Code::Closed);
}

#[test]
#[ignore = "run by the one above"]
fn a_process_ends_with_calls_under_way() {
    let f = fixture();
    std::mem::forget(f.consumer.dequeue(waiting(Duration::MAX)));
    f.producer.enqueue("1").detach();
    std::mem::forget(f);
}

#[test]
fn what_is_sent_between_threads_may_be() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<pgqrs::Call<Store>>();
    send::<pgqrs::Messages>();
    send::<pgqrs::Message>();
    sync::<Store>();
    sync::<Producer>();
    sync::<Consumer>();
    sync::<pgqrs::Error>();
}

/// Closes a store whose tables are gone: it logs that its consumer could not be stopped.
fn provoke(dsn: &str) {
    let options = OpenOptions {
        bootstrap: true,
        config: "",
    };
    let store = Store::open_with(dsn, options).wait().unwrap();
    store.create_queue("tasks").wait().unwrap();
    let _consumer = store.consumer("tasks").wait().unwrap();
    let gone = store.json(|lib, store, s| unsafe { (lib.store_uninstall)(store, s.cq, s.user_data, s.op, s.error) });
    gone.wait().unwrap_err(); // it answers nothing, and so no document
    store.close().wait().unwrap();
}

#[test]
fn what_the_library_logs() {
    let directory = std::env::temp_dir().join(format!("pgqrs-log-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let dsn = format!("sqlite:///{}/jobs.db", directory.display());
    let mut lines = pgqrs::log(LogLevel::Warn).unwrap();
    let errors = pgqrs::log(LogLevel::Error).unwrap();
    provoke(&dsn);
    let line = loop {
        let line = block_on(lines.next()).unwrap();
        if line.attributes["store"] == dsn {
            break line;
        }
    };
    assert_eq!(line.level, LogLevel::Warn);
    assert!(line.message.starts_with("stopping workers failed"), "{line:?}");
    assert!(line.attributes["error"].contains("has no tables of pgqrs"), "{line:?}");
    assert!(line.time.elapsed().unwrap() < LONG);
    assert_eq!(line.dropped, 0);
    provoke(&dsn);
    let again = lines.into_iter().find(|line| line.attributes["store"] == dsn).unwrap();
    assert_eq!(again.message, line.message);
    assert!(again.time > line.time);
    drop(errors);
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn sql_for_transactions_of_ones_own() {
    let one = pgqrs::sql(Statement::Enqueue, "my jobs").unwrap();
    assert!(
        one.text.starts_with("select \"my jobs\".pgqrs_enqueue("),
        "{}",
        one.text
    );
    let names: Vec<_> = one.parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["queue", "payload", "delay_ms", "dedup_key"]);
    assert!(one.parameters[2].nullable && one.parameters[2].kind == "bigint" && one.returns == "bigint");
    let several = pgqrs::sql(Statement::EnqueueBatch, "").unwrap();
    assert!(
        several.text.starts_with("select \"public\".pgqrs_enqueue_batch("),
        "{}",
        several.text
    );

    assert_eq!(
        pgqrs::sql(Statement::Enqueue, &"x".repeat(64)).unwrap_err().code(),
        Code::Config
    );
    let refused = fixture().store.sql(Statement::Enqueue).unwrap_err();
    assert_eq!((refused.code(), refused.operation()), (Code::Unsupported, "sql_text"));
}

#[test]
fn workers_have_tables() {
    let f = fixture();
    let here = || Filter {
        queue: &f.queue,
        ..Default::default()
    };
    let old = || Filter {
        older_than: Duration::from_secs(3600),
        ..here()
    };
    let id = f.producer.enqueue("1").wait().unwrap();
    let options = DequeueOptions {
        auto_extend: true,
        ..Default::default()
    };
    let batch = f.consumer.dequeue(options).wait().unwrap();
    f.consumer.poll(true).wait().unwrap();
    assert_eq!(f.consumer.status().wait().unwrap(), WorkerStatus::Polling);
    f.consumer.poll(false).wait().unwrap();
    assert_eq!(f.consumer.keep(&batch, LONG).unwrap(), 1);
    assert_eq!(f.consumer.keep(Vec::<i64>::new(), LONG).unwrap(), 0);

    let ids: Vec<_> = f
        .store
        .list_workers(here())
        .wait()
        .unwrap()
        .iter()
        .map(|w| w.id)
        .collect();
    let own = f.consumer.id().unwrap();
    assert_eq!(ids, [f.producer.id().unwrap(), own]);
    let found = f.store.get_worker(own).wait().unwrap();
    assert_eq!((found.status, found.shutdown_at), (WorkerStatus::Ready, None));
    let stats = f.store.worker_stats(here()).wait().unwrap();
    assert_eq!((stats[0].total, stats[0].producers, stats[0].consumers), (2, 1, 1));
    assert_eq!(f.store.worker_health(old()).wait().unwrap()[0].healthy, 2);
    assert_eq!(
        f.store.delete_worker(own).wait().unwrap_err().code(),
        Code::StateTransition
    );
    assert_eq!(f.store.reclaim(old()).wait().unwrap(), 0);
    assert_eq!(f.store.release_worker(own).wait().unwrap(), 1);
    assert_eq!(f.store.get_message(id).wait().unwrap().consumer_worker_id, None);
    assert_eq!(f.store.get_worker(own).wait().unwrap().status, WorkerStatus::Stopped);
    f.store.delete_worker(own).wait().unwrap();
    assert_eq!(f.store.count_workers(here()).wait().unwrap(), 1);
    let refused = f.store.purge_archive(Filter::default()).wait().unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(f.store.purge_archive(old()).wait().unwrap(), 0);
    let info = f.store.get_queue(&f.queue).wait().unwrap();
    assert_eq!(f.store.get_queue_by_id(info.id).wait().unwrap().queue_name, f.queue);
    assert!(f.store.count_queues().wait().unwrap() > 0);
    assert!(f
        .store
        .inspect()
        .wait()
        .unwrap()
        .starts_with("[[\"engine\",\"sqlite\"]"));
    assert!(f.store.activity().wait().unwrap().contains("\"flushes\""));
}

#[test]
fn the_steps_of_a_run_are_done_once() {
    let store = fixture().store;
    let workflow = store.create_workflow("ship").wait().unwrap();
    assert_eq!(store.get_workflow_by_id(workflow.id).wait().unwrap().name, "ship");
    let triggered = store.trigger("ship", r#"{"order":7}"#).wait().unwrap();
    let run = store.start_run(triggered.id, triggered.message_id).wait().unwrap();
    assert_eq!(&*run.input, r#"{"order":7}"#);
    let Acquired::Execute(step) = run.acquire("charge").wait().unwrap() else {
        panic!("it was not done before")
    };
    assert_eq!(store.get_step(step.id).wait().unwrap().step_name, "charge");
    run.fail_step("charge", "busy", Some(LONG)).wait().unwrap();
    let refused = run.acquire("charge").wait().unwrap_err();
    assert_eq!(refused.code(), Code::StepNotReady);
    assert!(refused.retry_after() > Duration::ZERO);
    let done = run.complete("[1,\"two\"]").wait().unwrap();
    assert_eq!(done.status, WorkflowStatus::Success);
    assert_eq!(done.output.unwrap().to_string(), "[1,\"two\"]");
    let of_workflow = Filter {
        queue: "ship",
        ..Default::default()
    };
    assert_eq!(store.count_runs(of_workflow).wait().unwrap(), 1);
    assert_eq!(store.count_steps(Filter::default()).wait().unwrap(), 1);
    assert_eq!(store.count_workflows().wait().unwrap(), 1);
}

#[test]
fn a_consumer_is_told_of_kept_leases_that_were_lost() {
    let f = fixture();
    let mut losses = f.consumer.losses().unwrap();
    let lose = || {
        let id = f.producer.enqueue("1").wait().unwrap();
        let options = DequeueOptions {
            lease: Duration::from_millis(200),
            auto_extend: true,
            ..Default::default()
        };
        f.consumer.dequeue(options).wait().unwrap();
        f.store.purge_queue(&f.queue).wait().unwrap();
        id
    };
    let id = lose();
    let told = block_on(losses.next()).unwrap().unwrap();
    assert_eq!((told.id, told.read_ct), (id, 1));
    let id = lose();
    assert_eq!(Iterator::next(&mut losses).unwrap().unwrap().id, id);
    f.consumer.shutdown().wait().unwrap();
    f.store.close().wait().unwrap();
    let end = losses.by_ref().last().unwrap().unwrap_err();
    assert_eq!(end.code(), Code::Closed);
    assert!(block_on(losses.next()).is_none());
}
