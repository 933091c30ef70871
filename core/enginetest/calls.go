package enginetest

import (
	"context"
	"time"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// call is one method of the seam with arguments that reach the database.
type call struct {
	name string
	do   func(ctx context.Context, eng engine.Engine) error
}

// calls returns every method of the seam that reads or writes the tables.
// Answers that a method gives for what does not exist are no concern of theirs:
// they are for engines that are closed, cancelled or not installed.
func calls() []call {
	t := model.Token{ID: nowhere, Worker: nowhere}
	ask := func(name string, do func(ctx context.Context, eng engine.Engine) error) call { return call{name, do} }
	return []call{
		ask("CreateQueue", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.CreateQueue(ctx, name("queue"), 5)
			return err
		}),
		ask("GetQueue", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.GetQueue(ctx, "missing")
			return err
		}),
		ask("GetQueueByID", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.GetQueueByID(ctx, nowhere)
			return err
		}),
		ask("ListQueues", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.ListQueues(ctx, model.Page{})
			return err
		}),
		ask("CountQueues", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.CountQueues(ctx)
			return err
		}),
		ask("DeleteQueue", func(ctx context.Context, eng engine.Engine) error { return eng.DeleteQueue(ctx, "missing") }),
		ask("PurgeQueue", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.PurgeQueue(ctx, "missing")
			return err
		}),
		ask("Metrics", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.Metrics(ctx, 0)
			return err
		}),
		ask("Stats", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.Stats(ctx)
			return err
		}),
		ask("RegisterWorker", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.RegisterWorker(ctx, model.NewWorker{Name: "consumer", Hostname: "h"})
			return err
		}),
		ask("GetWorker", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.GetWorker(ctx, nowhere)
			return err
		}),
		ask("ListWorkers", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.ListWorkers(ctx, 0, model.Page{})
			return err
		}),
		ask("CountWorkers", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.CountWorkers(ctx, 0)
			return err
		}),
		ask("WorkerStats", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.WorkerStats(ctx, 0, time.Hour)
			return err
		}),
		ask("SetWorkerStatus", func(ctx context.Context, eng engine.Engine) error {
			return eng.SetWorkerStatus(ctx, nowhere, allStatuses, model.WorkerReady)
		}),
		ask("Heartbeat", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.Heartbeat(ctx, []int64{nowhere})
			return err
		}),
		ask("StopWorkers", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.StopWorkers(ctx, []int64{nowhere}, engine.AnyLease, true)
			return err
		}),
		ask("DeleteWorker", func(ctx context.Context, eng engine.Engine) error { return eng.DeleteWorker(ctx, nowhere) }),
		ask("PurgeWorkers", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.PurgeWorkers(ctx, time.Hour)
			return err
		}),
		ask("Enqueue", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.Enqueue(ctx, nowhere, numbered(2))
			return err
		}),
		ask("Claim", func(ctx context.Context, eng engine.Engine) error {
			_, err := engine.ClaimOne(ctx, eng, engine.Claim{QueueID: nowhere, WorkerID: nowhere, Limit: 1, Lease: time.Second})
			return err
		}),
		ask("Finish archive", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.Finish(ctx, engine.FinishArchive, []model.Token{t})
			return err
		}),
		ask("Finish delete", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.Finish(ctx, engine.FinishDelete, []model.Token{t})
			return err
		}),
		ask("Extend", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.Extend(ctx, []engine.Extension{{Token: t, For: time.Second}})
			return err
		}),
		ask("Release", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.Release(ctx, []engine.Release{{Token: t}})
			return err
		}),
		ask("ForgetKeys", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.ForgetKeys(ctx, time.Hour, 10)
			return err
		}),
		ask("Sweep", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.Sweep(ctx, 0)
			return err
		}),
		ask("SweepSince", func(ctx context.Context, eng engine.Engine) error {
			_, _, err := eng.SweepSince(ctx, time.Now())
			return err
		}),
		ask("DeadLetter", func(ctx context.Context, eng engine.Engine) error { return eng.DeadLetter(ctx, nowhere) }),
		ask("Reclaim", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.Reclaim(ctx, 0, time.Hour)
			return err
		}),
		ask("GetMessage", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.GetMessage(ctx, nowhere)
			return err
		}),
		ask("ListMessages", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.ListMessages(ctx, engine.Filter{}, model.Page{})
			return err
		}),
		ask("CountMessages", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.CountMessages(ctx, engine.Filter{})
			return err
		}),
		ask("GetArchived", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.GetArchived(ctx, nowhere)
			return err
		}),
		ask("ListArchived", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.ListArchived(ctx, engine.Filter{}, model.Page{})
			return err
		}),
		ask("CountArchived", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.CountArchived(ctx, engine.Filter{})
			return err
		}),
		ask("DeleteArchived", func(ctx context.Context, eng engine.Engine) error { return eng.DeleteArchived(ctx, nowhere) }),
		ask("ReplayArchived", func(ctx context.Context, eng engine.Engine) error { return eng.ReplayArchived(ctx, nowhere) }),
		ask("PruneArchive", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.PruneArchive(ctx, engine.Filter{}, time.Hour, 0, 10)
			return err
		}),
		ask("CreateWorkflow", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.CreateWorkflow(ctx, name("workflow"), 5)
			return err
		}),
		ask("GetWorkflow", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.GetWorkflow(ctx, "missing")
			return err
		}),
		ask("GetWorkflowByID", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.GetWorkflowByID(ctx, nowhere)
			return err
		}),
		ask("ListWorkflows", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.ListWorkflows(ctx, model.Page{})
			return err
		}),
		ask("CountWorkflows", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.CountWorkflows(ctx)
			return err
		}),
		ask("TriggerRun", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.TriggerRun(ctx, "missing", []byte(`1`))
			return err
		}),
		ask("StartRun", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.StartRun(ctx, nowhere, 0)
			return err
		}),
		ask("FinishRun", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.FinishRun(ctx, model.RunToken{RunID: nowhere, Attempt: 1}, engine.RunFinish{})
			return err
		}),
		ask("PauseRun", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.PauseRun(ctx, nowhere)
			return err
		}),
		ask("ResumeRun", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.ResumeRun(ctx, nowhere)
			return err
		}),
		ask("CancelRun", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.CancelRun(ctx, nowhere)
			return err
		}),
		ask("AcquireStep", func(ctx context.Context, eng engine.Engine) error {
			_, _, err := eng.AcquireStep(ctx, model.RunToken{RunID: nowhere, Attempt: 1}, "missing", 3)
			return err
		}),
		ask("FinishStep", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.FinishStep(ctx, model.RunToken{RunID: nowhere, Attempt: 1}, "missing", engine.StepFinish{})
			return err
		}),
		ask("GetRun", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.GetRun(ctx, nowhere)
			return err
		}),
		ask("ListRuns", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.ListRuns(ctx, engine.RunFilter{}, model.Page{})
			return err
		}),
		ask("CountRuns", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.CountRuns(ctx, engine.RunFilter{})
			return err
		}),
		ask("GetStep", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.GetStep(ctx, nowhere)
			return err
		}),
		ask("ListSteps", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.ListSteps(ctx, 0, model.Page{})
			return err
		}),
		ask("CountSteps", func(ctx context.Context, eng engine.Engine) error {
			_, err := eng.CountSteps(ctx, 0)
			return err
		}),
	}
}

// schemaCalls are the methods that do not need the tables.
func schemaCalls() []call {
	return []call{
		{"Install", func(ctx context.Context, eng engine.Engine) error { return eng.Install(ctx) }},
		{"Verify", func(ctx context.Context, eng engine.Engine) error { return eng.Verify(ctx) }},
		{"Ping", func(ctx context.Context, eng engine.Engine) error { return eng.Ping(ctx) }},
	}
}
