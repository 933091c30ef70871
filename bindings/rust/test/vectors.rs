//! Runs the vectors of tests/vectors; the README there says how.
//!
//!     vectors DIRECTORY < lines of "FILE/NAME DSN"

use std::collections::{BTreeMap, HashMap};
use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

use json::Value;
use pgqrs::{Acquired, Document, QueueInfo, QueueMetrics, QueueOptions, Row, Run, Store, Token, Worker};
use pgqrs::{BatchOptions, Consumer, DequeueOptions, EnqueueOptions, Error, Filter, OpenOptions, Producer};
use pgqrs::{WorkflowInfo, WorkflowRun, WorkflowStatus, WorkflowStep};

mod executor;
#[path = "../src/json.rs"]
mod json;

type Failure = Box<dyn StdError>;

/// A worker of a vector.
enum Hand {
    Producer(Producer),
    Consumer(Consumer),
    Run(Box<Run>),
}

/// The store of one vector, and the names its steps have given.
struct Session {
    store: Store,
    hands: HashMap<String, Hand>,
    named: HashMap<String, Value>,
}

impl Session {
    async fn step(&mut self, raw: &Value) -> Result<(), Failure> {
        let step = self.resolve(raw).ok_or("a name that no step has given")?;
        let result = match (self.perform(&step).await, step.text("error")) {
            (Err(error), Some(wanted)) if error.code().name() == wanted => return Ok(()),
            (Err(error), _) => return Err(format!("{step}: {}, {error}", error.code().name()).into()),
            (Ok(_), Some(_)) => return Err(format!("{step}: did not fail").into()),
            (Ok(result), None) => result,
        };
        if let Some(want) = step.get("expect").filter(|want| !contains(&result, want)) {
            return Err(format!("{step}: the result is {result}, not {want}").into());
        }
        if let Some(name) = step.text("as") {
            self.named.insert(name.into(), result);
        }
        Ok(())
    }

    async fn perform(&mut self, v: &Value) -> Result<Value, Error> {
        let queue = v.text("queue").unwrap_or_default();
        let id = v.integer("id").unwrap_or_default();
        match v.text("do").unwrap_or_default() {
            "create_queue" => {
                let options = QueueOptions {
                    max_read_ct: number(v, "max_read_ct"),
                };
                Ok(described(self.store.create_queue_with(queue, options).await?))
            }
            "get_queue" => Ok(described(self.store.get_queue(queue).await?)),
            "list_queues" => {
                let all = self.store.list_queues(Filter::default()).await?;
                Ok(Value::Array(all.into_iter().map(described).collect()))
            }
            "delete_queue" => nothing(self.store.delete_queue(queue)).await,
            "purge_queue" => Ok(integer(self.store.purge_queue(queue).await?)),
            "metrics" => Ok(counts(self.store.metrics(queue).await?)),
            "producer" => {
                let producer = self.store.producer(queue).await?;
                self.keep(v, Hand::Producer(producer))
            }
            "consumer" => {
                let consumer = self.store.consumer(queue).await?;
                self.keep(v, Hand::Consumer(consumer))
            }
            "enqueue" => {
                let options = EnqueueOptions {
                    delay: span(v, "delay_ms"),
                    at: None,
                    dedup_key: v.text("dedup_key"),
                };
                let payload = v.get("payload").expect("a payload").to_string();
                Ok(integer(self.producer(v).enqueue_with(payload, options).await?))
            }
            "enqueue_batch" => {
                let payloads: Vec<_> = list(v, "payloads").iter().map(Value::to_string).collect();
                let keys: Vec<_> = list(v, "dedup_keys")
                    .iter()
                    .map(|k| text(k).filter(|k| !k.is_empty()))
                    .collect();
                let options = BatchOptions {
                    dedup_keys: &keys,
                    ..Default::default()
                };
                let ids = self.producer(v).enqueue_batch_with(&payloads, options).await?;
                Ok(Value::Array(ids.into_iter().map(integer).collect()))
            }
            "dequeue" => {
                let options = DequeueOptions {
                    batch: number(v, "batch") as u32,
                    lease: span(v, "lease_ms"),
                    wait: Some(span(v, "wait_ms")),
                    ..Default::default()
                };
                let messages = self.consumer(v).dequeue(options).await?;
                Ok(Value::Array(messages.iter().map(|m| row(m)).collect()))
            }
            "archive" => booleans(self.consumer(v).archive_many(tokens(v))).await,
            "delete" => booleans(self.consumer(v).delete_many(tokens(v))).await,
            "release" => booleans(self.consumer(v).release_many(tokens(v), Default::default())).await,
            "extend_vt" => booleans(self.consumer(v).extend_many(tokens(v), span(v, "extend_ms"))).await,
            "suspend" => nothing(self.worker(v).suspend()).await,
            "resume" => nothing(self.worker(v).resume()).await,
            "interrupt" => nothing(self.worker(v).interrupt()).await,
            "shutdown" => nothing(self.worker(v).shutdown()).await,
            "status" => Ok(Value::Text(
                format!("{:?}", self.worker(v).status().await?).to_lowercase(),
            )),
            "get_message" => Ok(row(&self.store.get_message(id).await?)),
            "get_archived" => Ok(row(&self.store.get_archived(id).await?)),
            "list_messages" => {
                let payload = v.get("contains").map(Value::to_string).unwrap_or_default();
                rows(self.store.list_messages(Filter {
                    queue,
                    payload: &payload,
                    ..Default::default()
                }))
                .await
            }
            "list_archived" => {
                let dead_only = matches!(v.get("dead_only"), Some(Value::Bool(true)));
                rows(self.store.list_archived(Filter {
                    queue,
                    dead_only,
                    ..Default::default()
                }))
                .await
            }
            "dead_letter" => nothing(self.store.dead_letter(id)).await,
            "replay" => nothing(self.store.replay(id)).await,
            "delete_archived" => nothing(self.store.delete_archived(id)).await,
            _ => self.workflow(v).await,
        }
    }

    async fn workflow(&mut self, v: &Value) -> Result<Value, Error> {
        let workflow = v.text("workflow").unwrap_or_default();
        let id = v.integer("id").unwrap_or_default();
        let step = v.text("step").unwrap_or_default();
        let reason = v.text("reason").unwrap_or_default();
        let output = || v.get("output").map(Value::to_string).unwrap_or_default();
        match v.text("do").unwrap_or_default() {
            "create_workflow" => {
                let options = QueueOptions {
                    max_read_ct: number(v, "max_read_ct"),
                };
                Ok(named(self.store.create_workflow_with(workflow, options).await?))
            }
            "get_workflow" => Ok(named(self.store.get_workflow(workflow).await?)),
            "list_workflows" => {
                let all = self.store.list_workflows(Filter::default()).await?;
                Ok(Value::Array(all.into_iter().map(named).collect()))
            }
            "trigger" => {
                let input = v.get("input").expect("an input").to_string();
                Ok(run(&self.store.trigger(workflow, input).await?))
            }
            "get_run" => Ok(run(&self.store.get_run(id).await?)),
            "pause_run" => Ok(run(&self.store.pause_run(id).await?)),
            "resume_run" => Ok(run(&self.store.resume_run(id).await?)),
            "cancel_run" => Ok(run(&self.store.cancel_run(id).await?)),
            "list_runs" => {
                let found = self.store.list_runs(Filter {
                    queue: workflow,
                    status: v.text("status").map(status),
                    ..Default::default()
                });
                Ok(Value::Array(found.await?.iter().map(run).collect()))
            }
            "start_run" => {
                let started = self.store.start_run(id, v.integer("message")).await?;
                let record = run(&started);
                if let Some(name) = v.text("as") {
                    self.hands.insert(name.into(), Hand::Run(started.into()));
                }
                Ok(record)
            }
            "complete_run" => Ok(run(&self.run(v).complete(output()).await?)),
            "fail_run" => Ok(run(&self.run(v).fail(reason).await?)),
            "acquire_step" => {
                let (result, record) = match self.run(v).acquire_with(step, number(v, "max_attempts")).await? {
                    Acquired::Execute(record) => ("execute", record),
                    Acquired::Skipped(record) => ("skipped", record),
                };
                Ok(object([
                    ("result", Value::Text(result.into())),
                    ("step", run_step(&record)),
                ]))
            }
            "complete_step" => Ok(run_step(&self.run(v).complete_step(step, output()).await?)),
            "fail_step" => {
                let retry = v.get("retry_ms").map(|_| span(v, "retry_ms"));
                Ok(run_step(&self.run(v).fail_step(step, reason, retry).await?))
            }
            "list_steps" => {
                let found = self.store.list_steps(Filter {
                    run_id: id,
                    ..Default::default()
                });
                Ok(Value::Array(found.await?.iter().map(run_step).collect()))
            }
            unknown => panic!("no such operation: {unknown}"),
        }
    }

    fn keep(&mut self, v: &Value, hand: Hand) -> Result<Value, Error> {
        self.hands.insert(v.text("as").expect("a name").into(), hand);
        Ok(Value::Null)
    }

    fn hand(&self, v: &Value) -> &Hand {
        &self.hands[v.text("with").expect("the name of a worker")]
    }

    fn producer(&self, v: &Value) -> &Producer {
        match self.hand(v) {
            Hand::Producer(producer) => producer,
            _ => panic!("not a producer"),
        }
    }

    fn consumer(&self, v: &Value) -> &Consumer {
        match self.hand(v) {
            Hand::Consumer(consumer) => consumer,
            _ => panic!("not a consumer"),
        }
    }

    fn run(&self, v: &Value) -> &Run {
        match self.hand(v) {
            Hand::Run(run) => run,
            _ => panic!("not an execution"),
        }
    }

    fn worker(&self, v: &Value) -> &Worker {
        match self.hand(v) {
            Hand::Producer(producer) => producer,
            Hand::Consumer(consumer) => consumer,
            Hand::Run(_) => panic!("not a worker"),
        }
    }

    fn resolve(&self, value: &Value) -> Option<Value> {
        Some(match value {
            Value::Text(text) if text.starts_with('$') => {
                let mut parts = text[1..].split('.');
                let first = self.named.get(parts.next()?)?;
                parts
                    .try_fold(first, |found, part| match found {
                        Value::Array(elements) => elements.get(part.parse::<usize>().ok()?),
                        other => other.get(part),
                    })?
                    .clone()
            }
            Value::Array(elements) => Value::Array(elements.iter().map(|e| self.resolve(e)).collect::<Option<_>>()?),
            Value::Object(members) => {
                let resolved = members.iter().map(|(name, m)| Some((name.clone(), self.resolve(m)?)));
                Value::Object(resolved.collect::<Option<_>>()?)
            }
            other => other.clone(),
        })
    }
}

// ---- Arguments and results ----------------------------------------------------------

fn number(v: &Value, name: &str) -> i32 {
    v.integer(name).unwrap_or_default().try_into().expect("a small number")
}

fn span(v: &Value, name: &str) -> Duration {
    Duration::from_millis(v.integer(name).unwrap_or_default() as u64)
}

fn list<'a>(v: &'a Value, name: &str) -> &'a [Value] {
    v.get(name).and_then(Value::array).unwrap_or_default()
}

fn text(v: &Value) -> Option<&str> {
    match v {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn tokens(v: &Value) -> Vec<Token> {
    let id = |v: &Value| v.to_string().parse::<i64>().expect("an id");
    list(v, "ids").iter().map(|v| id(v).into()).collect()
}

fn integer(n: i64) -> Value {
    Value::Number(n.to_string())
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.map(|(name, value)| (name.to_string(), value)).into())
}

fn row(row: &Row) -> Value {
    object([
        ("id", integer(row.id)),
        ("payload", json::parse(&row.payload).expect("a JSON document")),
        ("read_ct", integer(row.read_ct.into())),
        ("dead_reason", row.dead_reason.clone().map_or(Value::Null, Value::Text)),
    ])
}

fn described(queue: QueueInfo) -> Value {
    object([
        ("queue_name", Value::Text(queue.queue_name)),
        ("max_read_ct", integer(queue.max_read_ct.into())),
    ])
}

fn named(workflow: WorkflowInfo) -> Value {
    object([("name", Value::Text(workflow.name))])
}

fn status(word: &str) -> WorkflowStatus {
    match word {
        "success" => WorkflowStatus::Success,
        "error" => WorkflowStatus::Error,
        "cancelled" => WorkflowStatus::Cancelled,
        unknown => panic!("no such state: {unknown}"),
    }
}

fn or_null<T>(value: Option<T>, convert: impl FnOnce(T) -> Value) -> Value {
    value.map_or(Value::Null, convert)
}

fn parsed(document: &Document) -> Value {
    json::parse(document).expect("a JSON document")
}

fn run(run: &WorkflowRun) -> Value {
    object([
        ("id", integer(run.id)),
        ("workflow_name", Value::Text(run.workflow_name.clone())),
        ("message_id", or_null(run.message_id, integer)),
        ("status", Value::Text(run.status.as_str().into())),
        ("attempt", integer(run.attempt.into())),
        ("input", parsed(&run.input)),
        ("output", or_null(run.output.as_ref(), parsed)),
        ("error", or_null(run.error.clone(), Value::Text)),
    ])
}

fn run_step(step: &WorkflowStep) -> Value {
    object([
        ("step_name", Value::Text(step.step_name.clone())),
        ("status", Value::Text(step.status.as_str().into())),
        ("attempt", integer(step.attempt.into())),
        ("failures", integer(step.failures.into())),
        ("output", or_null(step.output.as_ref(), parsed)),
        ("error", or_null(step.error.clone(), Value::Text)),
    ])
}

fn counts(m: QueueMetrics) -> Value {
    let counts = [
        ("pending", m.pending),
        ("delayed", m.delayed),
        ("leased", m.leased),
        ("archived", m.archived),
        ("dead", m.dead),
    ];
    object(counts.map(|(name, count)| (name, integer(count))))
}

async fn nothing(call: impl Future<Output = Result<(), Error>>) -> Result<Value, Error> {
    call.await.map(|()| Value::Null)
}

async fn booleans(call: impl Future<Output = Result<Vec<bool>, Error>>) -> Result<Value, Error> {
    Ok(Value::Array(call.await?.into_iter().map(Value::Bool).collect()))
}

async fn rows(call: impl Future<Output = Result<Vec<Row>, Error>>) -> Result<Value, Error> {
    Ok(Value::Array(call.await?.iter().map(row).collect()))
}

/// Of an object only the members that are given count.
fn contains(have: &Value, want: &Value) -> bool {
    match (have, want) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a == b || a.parse::<f64>() == b.parse::<f64>(),
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| contains(a, b)),
        (Value::Object(a), Value::Object(b)) => b.iter().all(|(name, b)| a.get(name).is_some_and(|a| contains(a, b))),
        _ => false,
    }
}

// ---- The program --------------------------------------------------------------------

async fn perform(vector: &Value, dsn: &str) -> Result<(), Failure> {
    let store = Store::open_with(
        dsn,
        OpenOptions {
            bootstrap: true,
            ..Default::default()
        },
    )
    .await?;
    let mut session = Session {
        store: store.clone(),
        hands: HashMap::new(),
        named: HashMap::new(),
    };
    let mut outcome = Ok(());
    for step in list(vector, "steps") {
        outcome = session.step(step).await;
        if outcome.is_err() {
            break;
        }
    }
    store.close().await?;
    outcome
}

fn find(files: &mut BTreeMap<String, Value>, directory: &str, name: &str) -> Result<Value, Failure> {
    let (file, own) = name.split_once('/').ok_or("not FILE/NAME")?;
    if !files.contains_key(file) {
        let text = std::fs::read_to_string(format!("{directory}/{file}.json"))?;
        files.insert(file.into(), json::parse(&text).ok_or("not JSON")?);
    }
    let found = list(&files[file], "vectors")
        .iter()
        .find(|v| v.text("name") == Some(own));
    Ok(found.ok_or("no such vector")?.clone())
}

fn main() {
    let directory = std::env::args().nth(1).expect("the directory of the vectors");
    let mut files = BTreeMap::new();
    let mut failed = false;
    for line in std::io::stdin().lines() {
        let line = line.expect("a line of text");
        let (name, dsn) = line.split_once(' ').expect("FILE/NAME DSN");
        match find(&mut files, &directory, name).and_then(|v| executor::block_on(perform(&v, dsn))) {
            Ok(()) => println!("ok {name}"),
            Err(problem) => {
                println!("failed {name}: {problem}");
                failed = true;
            }
        }
    }
    std::process::exit(failed.into());
}
