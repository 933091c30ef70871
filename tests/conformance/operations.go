package conformance

import "encoding/json"

// operations are what the steps of vectors do.
var operations = map[string]operation{
	"create_queue": func(b bundle, s step, _ any) (any, error) {
		return get[queueRow](b.ctx, b.admin, "CreateQueue", s.Queue, s.MaxReadCt)
	},
	"get_queue": func(b bundle, s step, _ any) (any, error) {
		return get[queueRow](b.ctx, b.admin, "GetQueue", s.Queue)
	},
	"list_queues": func(b bundle, _ step, _ any) (any, error) {
		return get[[]queueRow](b.ctx, b.admin, "ListQueues", page{})
	},
	"delete_queue": nothing(onAdmin, "DeleteQueue", byQueue),
	"purge_queue": func(b bundle, s step, _ any) (any, error) {
		return get[int64](b.ctx, b.admin, "PurgeQueue", s.Queue)
	},
	"metrics": func(b bundle, s step, _ any) (any, error) {
		rows, err := get[[]metricsRow](b.ctx, b.admin, "Metrics", s.Queue)
		if err != nil || len(rows) != 1 {
			return rows, err
		}
		return rows[0], nil
	},

	"producer": registered("Producer"),
	"consumer": registered("Consumer"),
	"enqueue": func(b bundle, s step, worker any) (any, error) {
		how := enqueueOptions{Delay: s.span(s.DelayMS)}
		if s.DedupKey != "" {
			how.DedupKeys = []string{s.DedupKey}
		}
		return get[int64](b.ctx, worker, "EnqueueWith", s.Payload, how)
	},
	"enqueue_batch": func(b bundle, s step, worker any) (any, error) {
		documents := [][]byte{}
		for _, p := range s.Payloads {
			documents = append(documents, p)
		}
		return get[[]int64](b.ctx, worker, "EnqueueJSON", documents, enqueueOptions{DedupKeys: s.DedupKeys})
	},
	"dequeue": func(b bundle, s step, worker any) (any, error) {
		return listed(b.ctx, worker, "Dequeue",
			dequeueOptions{Batch: s.Batch, Lease: s.span(s.LeaseMS), Wait: s.span(s.WaitMS)})
	},
	"archive":   acknowledge("ArchiveMany"),
	"delete":    acknowledge("DeleteMany"),
	"release":   acknowledge("ReleaseMany", func(step) any { return releaseOptions{} }),
	"extend_vt": acknowledge("ExtendMany", func(s step) any { return s.span(s.ExtendMS) }),

	"suspend":   nothing(onWorker, "Suspend", none),
	"resume":    nothing(onWorker, "Resume", none),
	"interrupt": nothing(onWorker, "Interrupt", none),
	"shutdown":  nothing(onWorker, "Shutdown", none),
	"status": func(b bundle, _ step, worker any) (any, error) {
		return get[string](b.ctx, worker, "Status")
	},

	"get_message":  one("GetMessage"),
	"get_archived": one("GetArchived"),
	"list_messages": func(b bundle, s step, _ any) (any, error) {
		return listed(b.ctx, b.admin, "ListMessages", filter{Queue: s.Queue, Contains: document(s.Contains)}, page{})
	},
	"list_archived": func(b bundle, s step, _ any) (any, error) {
		return listed(b.ctx, b.admin, "ListArchived", filter{Queue: s.Queue, DeadOnly: s.DeadOnly}, page{})
	},
	"dead_letter":     nothing(onAdmin, "DeadLetter", byID),
	"replay":          nothing(onAdmin, "Replay", byID),
	"delete_archived": nothing(onAdmin, "DeleteArchived", byID),

	"create_workflow": func(b bundle, s step, _ any) (any, error) {
		return get[workflowRow](b.ctx, b.admin, "CreateWorkflow", s.Workflow, s.MaxReadCt)
	},
	"get_workflow": func(b bundle, s step, _ any) (any, error) {
		return get[workflowRow](b.ctx, b.admin, "GetWorkflow", s.Workflow)
	},
	"list_workflows": func(b bundle, _ step, _ any) (any, error) {
		return get[[]workflowRow](b.ctx, b.admin, "ListWorkflows", page{})
	},
	"trigger": aRun(func(b bundle, s step, _ any) (any, string, []any) {
		return b.store, "TriggerJSON", []any{s.Workflow, []byte(s.Input)}
	}),
	"get_run":    aRun(func(b bundle, s step, _ any) (any, string, []any) { return b.admin, "GetRun", byID(s) }),
	"pause_run":  aRun(func(b bundle, s step, _ any) (any, string, []any) { return b.store, "PauseRun", byID(s) }),
	"resume_run": aRun(func(b bundle, s step, _ any) (any, string, []any) { return b.store, "ResumeRun", byID(s) }),
	"cancel_run": aRun(func(b bundle, s step, _ any) (any, string, []any) { return b.store, "CancelRun", byID(s) }),
	"list_runs": func(b bundle, s step, _ any) (any, error) {
		found, err := get[[]run](b.ctx, b.admin, "ListRuns", runFilter{s.Workflow, s.Status}, page{})
		return each(found, run.row), err
	},
	"start_run": func(b bundle, s step, _ any) (any, error) {
		var hand any
		var started run
		err := calls(b.ctx, b.store, "StartRun", []any{&hand, &started}, s.ID, s.Message)
		return held{hand, started.row()}, err
	},
	"complete_run": aRun(func(_ bundle, s step, hand any) (any, string, []any) {
		return hand, "Complete", []any{[]byte(s.Output)}
	}),
	"fail_run": aRun(func(_ bundle, s step, hand any) (any, string, []any) { return hand, "Fail", []any{s.Reason} }),
	"acquire_step": func(b bundle, s step, hand any) (any, error) {
		var record runStep
		var execute bool
		err := calls(b.ctx, hand, "Acquire", []any{&record, &execute}, s.Step, s.MaxAttempts)
		result := map[bool]string{true: "execute", false: "skipped"}[execute]
		return map[string]any{"result": result, "step": record.row()}, err
	},
	"complete_step": func(b bundle, s step, hand any) (any, error) {
		record, err := get[runStep](b.ctx, hand, "CompleteStep", s.Step, []byte(s.Output))
		return record.row(), err
	},
	"fail_step": func(b bundle, s step, hand any) (any, error) {
		method, args := "FailStep", []any{s.Step, s.Reason}
		if s.RetryMS != nil {
			method, args = "RetryStep", append(args, s.span(*s.RetryMS))
		}
		record, err := get[runStep](b.ctx, hand, method, args...)
		return record.row(), err
	},
	"list_steps": func(b bundle, s step, _ any) (any, error) {
		found, err := get[[]runStep](b.ctx, b.admin, "ListSteps", s.ID, page{})
		return each(found, runStep.row), err
	},
}

func document(raw json.RawMessage) string { return string(raw) }
