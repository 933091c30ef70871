use std::ops::Deref;
use std::time::Duration;

use crate::call::{count, record, Call, Object};
use crate::json::Value;
use crate::messages::{millis, view};
use crate::records::{all, WorkflowInfo, WorkflowRun, WorkflowStep};
use crate::store::{Filter, QueueOptions, Store};
use crate::sys::{self, Handle, Symbols};

/// Workflows, their runs, and the control of those.
impl Store {
    /// Creates a workflow, and the queue of its name; `WorkflowExists` is the expected
    /// failure.
    pub fn create_workflow(&self, name: &str) -> Call<WorkflowInfo> {
        self.create_workflow_with(name, QueueOptions::default())
    }

    /// Creates a workflow whose queue is created otherwise.
    pub fn create_workflow_with(&self, name: &str, options: QueueOptions) -> Call<WorkflowInfo> {
        self.create(name, options, record(WorkflowInfo::read), |lib| lib.workflow_create)
    }

    /// Finds a workflow.
    pub fn get_workflow(&self, name: &str) -> Call<WorkflowInfo> {
        self.name(name, record(WorkflowInfo::read), |lib| lib.workflow_get)
    }

    /// Finds a workflow by its id.
    pub fn get_workflow_by_id(&self, id: i64) -> Call<WorkflowInfo> {
        self.id(id, record(WorkflowInfo::read), |lib| lib.workflow_by_id)
    }

    /// Lists workflows; `limit` and `offset` of a filter apply.
    pub fn list_workflows(&self, filter: Filter) -> Call<Vec<WorkflowInfo>> {
        self.rows(filter, record(|v| all(v, WorkflowInfo::read)), |lib| lib.workflow_list)
    }

    /// Counts workflows.
    pub fn count_workflows(&self) -> Call<i64> {
        self.rows(Filter::default(), count, |lib| lib.workflow_count)
    }

    /// Stores a run of a workflow, and the message that carries it, `{"run_id": id}`, and
    /// answers after the commit. The input is a JSON document.
    pub fn trigger(&self, workflow: &str, input: impl AsRef<str>) -> Call<WorkflowRun> {
        // SAFETY: the texts live until the call returns.
        self.object.call(record(WorkflowRun::read), |lib, store, s| unsafe {
            (lib.run_trigger)(
                store,
                &view(workflow),
                &view(input.as_ref()),
                s.cq,
                s.user_data,
                s.op,
                s.error,
            )
        })
    }

    /// Begins the next attempt of a run, on behalf of the leased message that carries it.
    /// After `Paused`, `RunCancelled` and `StateTransition` the message has no more use.
    pub fn start_run(&self, id: i64, message_id: Option<i64>) -> Call<Run> {
        let object = self.object.clone();
        let read = |answer| record(WorkflowRun::read)(answer).map(|record| Run { object, record });
        // SAFETY: no pointers of this crate's own.
        self.object.call(read, |lib, store, s| unsafe {
            (lib.run_start)(store, id, message_id.unwrap_or(0), s.cq, s.user_data, s.op, s.error)
        })
    }

    /// Stops a queued or running run until it is resumed.
    pub fn pause_run(&self, id: i64) -> Call<WorkflowRun> {
        self.id(id, record(WorkflowRun::read), |lib| lib.run_pause)
    }

    /// Queues a paused run again, under a new message.
    pub fn resume_run(&self, id: i64) -> Call<WorkflowRun> {
        self.id(id, record(WorkflowRun::read), |lib| lib.run_resume)
    }

    /// Ends a run that is not finished.
    pub fn cancel_run(&self, id: i64) -> Call<WorkflowRun> {
        self.id(id, record(WorkflowRun::read), |lib| lib.run_cancel)
    }

    /// Finds a run.
    pub fn get_run(&self, id: i64) -> Call<WorkflowRun> {
        self.id(id, record(WorkflowRun::read), |lib| lib.run_get)
    }

    /// Lists runs; `queue`, which is the workflow, `status`, `limit` and `offset` of a
    /// filter apply.
    pub fn list_runs(&self, filter: Filter) -> Call<Vec<WorkflowRun>> {
        self.rows(filter, record(|v| all(v, WorkflowRun::read)), |lib| lib.run_list)
    }

    /// Counts runs.
    pub fn count_runs(&self, filter: Filter) -> Call<i64> {
        self.rows(filter, count, |lib| lib.run_count)
    }

    /// Finds a step.
    pub fn get_step(&self, id: i64) -> Call<WorkflowStep> {
        self.id(id, record(WorkflowStep::read), |lib| lib.step_get)
    }

    /// Lists steps; `run_id`, `limit` and `offset` of a filter apply.
    pub fn list_steps(&self, filter: Filter) -> Call<Vec<WorkflowStep>> {
        self.rows(filter, record(|v| all(v, WorkflowStep::read)), |lib| lib.step_list)
    }

    /// Counts steps.
    pub fn count_steps(&self, filter: Filter) -> Call<i64> {
        self.rows(filter, count, |lib| lib.step_count)
    }
}

/// One attempt at a run, and the run as it was when the attempt began. What it writes
/// takes effect only while the run is running it; else it answers `Paused`,
/// `RunCancelled` or `StateTransition`.
#[derive(Clone)]
pub struct Run {
    object: Object,
    record: WorkflowRun,
}

/// What to do about a step that was acquired.
#[derive(Clone, Debug)]
pub enum Acquired {
    /// Do it, and record its outcome.
    Execute(WorkflowStep),
    /// It has succeeded before; its output is in the record.
    Skipped(WorkflowStep),
}

impl Acquired {
    fn read(value: &Value) -> Option<Acquired> {
        let step = WorkflowStep::read(value.get("step")?)?;
        match value.text("result")? {
            "execute" => Some(Acquired::Execute(step)),
            "skipped" => Some(Acquired::Skipped(step)),
            _ => None,
        }
    }
}

type OnRun = unsafe extern "C" fn(Handle, i64, i32, *const sys::Str, Handle, u64, *mut Handle, *mut Handle) -> i32;

impl Run {
    /// Ends the run with its output, a JSON document.
    pub fn complete(&self, output: impl AsRef<str>) -> Call<WorkflowRun> {
        self.end(output.as_ref(), |lib| lib.run_complete)
    }

    /// Ends the run with an error for people.
    pub fn fail(&self, reason: impl AsRef<str>) -> Call<WorkflowRun> {
        self.end(reason.as_ref(), |lib| lib.run_fail)
    }

    /// Begins a step, which may fail three times. `StepNotReady` says by
    /// [`retry_after`](crate::Error::retry_after) when to ask again; `RetriesExhausted`.
    pub fn acquire(&self, step: &str) -> Call<Acquired> {
        self.acquire_with(step, 0)
    }

    /// Begins a step that may fail so often; 0: 3.
    pub fn acquire_with(&self, step: &str, max_attempts: i32) -> Call<Acquired> {
        let (id, attempt) = (self.record.id, self.record.attempt);
        // SAFETY: the name lives until the call returns.
        self.object.call(record(Acquired::read), |lib, store, s| unsafe {
            (lib.step_acquire)(
                store,
                id,
                attempt,
                &view(step),
                max_attempts,
                s.cq,
                s.user_data,
                s.op,
                s.error,
            )
        })
    }

    /// Records the output, a JSON document, of a step that was acquired: it is never done
    /// again.
    pub fn complete_step(&self, step: &str, output: impl AsRef<str>) -> Call<WorkflowStep> {
        let (id, attempt) = (self.record.id, self.record.attempt);
        // SAFETY: the texts live until the call returns.
        self.object.call(record(WorkflowStep::read), |lib, store, s| unsafe {
            (lib.step_complete)(
                store,
                id,
                attempt,
                &view(step),
                &view(output.as_ref()),
                s.cq,
                s.user_data,
                s.op,
                s.error,
            )
        })
    }

    /// Records the failure of a step that was acquired: until it may be acquired again
    /// after `retry`, or, without, for good.
    pub fn fail_step(&self, step: &str, reason: impl AsRef<str>, retry: Option<Duration>) -> Call<WorkflowStep> {
        let (id, attempt) = (self.record.id, self.record.attempt);
        // SAFETY: the texts live until the call returns.
        self.object.call(record(WorkflowStep::read), |lib, store, s| unsafe {
            (lib.step_fail)(
                store,
                id,
                attempt,
                &view(step),
                &view(reason.as_ref()),
                retry.map_or(-1, millis),
                s.cq,
                s.user_data,
                s.op,
                s.error,
            )
        })
    }

    fn end(&self, said: &str, function: impl FnOnce(&Symbols) -> OnRun) -> Call<WorkflowRun> {
        let (id, attempt) = (self.record.id, self.record.attempt);
        // SAFETY: the text lives until the call returns.
        self.object.call(record(WorkflowRun::read), |lib, store, s| unsafe {
            function(lib)(store, id, attempt, &view(said), s.cq, s.user_data, s.op, s.error)
        })
    }
}

impl Deref for Run {
    type Target = WorkflowRun;

    fn deref(&self) -> &WorkflowRun {
        &self.record
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        self.record.fmt(f)
    }
}
