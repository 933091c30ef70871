use crate::call::{count, nothing, record, Call};
use crate::records::{all, WorkerHealth, WorkerInfo, WorkerStats};
use crate::store::{Filter, Store};

/// The tables of workers.
impl Store {
    /// Finds a worker.
    pub fn get_worker(&self, id: i64) -> Call<WorkerInfo> {
        self.id(id, record(WorkerInfo::read), |lib| lib.worker_get)
    }

    /// Lists workers; `queue`, `limit` and `offset` of a filter apply.
    pub fn list_workers(&self, filter: Filter) -> Call<Vec<WorkerInfo>> {
        self.rows(filter, record(|v| all(v, WorkerInfo::read)), |lib| lib.worker_list)
    }

    /// Counts workers, of one queue or of each.
    pub fn count_workers(&self, filter: Filter) -> Call<i64> {
        self.rows(filter, count, |lib| lib.worker_count)
    }

    /// Counts the workers of one queue, or of each, by their state.
    pub fn worker_stats(&self, filter: Filter) -> Call<Vec<WorkerStats>> {
        self.rows(filter, record(|v| all(v, WorkerStats::read)), |lib| lib.worker_stats)
    }

    /// Tells live workers from dead ones; a heartbeat is stale that is `older_than`, or
    /// than three intervals.
    pub fn worker_health(&self, filter: Filter) -> Call<Vec<WorkerHealth>> {
        self.rows(filter, record(|v| all(v, WorkerHealth::read)), |lib| lib.worker_health)
    }

    /// Removes a worker that holds nothing.
    pub fn delete_worker(&self, id: i64) -> Call<()> {
        self.id(id, nothing, |lib| lib.worker_delete)
    }

    /// Stops a worker from outside, gives back all that it holds and answers how much
    /// that was.
    pub fn release_worker(&self, id: i64) -> Call<i64> {
        self.id(id, count, |lib| lib.worker_release)
    }

    /// Removes workers that are stopped, or whose heartbeat is `older_than`, or than sixty
    /// intervals.
    pub fn purge_workers(&self, filter: Filter) -> Call<i64> {
        self.rows(filter, count, |lib| lib.worker_purge)
    }

    /// Takes leases back from workers whose heartbeat is `older_than`, or than three
    /// intervals.
    pub fn reclaim(&self, filter: Filter) -> Call<i64> {
        self.rows(filter, count, |lib| lib.message_reclaim)
    }
}
