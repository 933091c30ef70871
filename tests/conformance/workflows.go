package conformance

import "encoding/json"

// The plain types of workflows: the fields that vectors look at.
type (
	workflowRow struct {
		Name string `json:"name"`
	}
	runFilter struct{ Workflow, Status string }
	run       struct {
		ID           int64
		WorkflowName string
		MessageID    int64
		Status       string
		Attempt      int32
		Input        []byte
		Output       []byte
		Error        string
	}
	runStep struct {
		Name     string
		Status   string
		Attempt  int32
		Failures int32
		Output   []byte
		Error    string
	}
)

func (r run) row() any {
	return map[string]any{
		"id": r.ID, "workflow_name": r.WorkflowName, "message_id": r.MessageID, "status": r.Status, "attempt": r.Attempt,
		"input": json.RawMessage(r.Input), "output": json.RawMessage(r.Output), "error": reason(r.Error),
	}
}

func (s runStep) row() any {
	return map[string]any{
		"step_name": s.Name, "status": s.Status, "attempt": s.Attempt, "failures": s.Failures,
		"output": json.RawMessage(s.Output), "error": reason(s.Error),
	}
}

// reason is null where there is none.
func reason(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func each[T any](list []T, convert func(T) any) []any {
	all := []any{}
	for _, v := range list {
		all = append(all, convert(v))
	}
	return all
}

// aRun is an operation that answers a run: on what, by which method, with what.
func aRun(how func(b bundle, s step, hand any) (target any, method string, args []any)) operation {
	return func(b bundle, s step, hand any) (any, error) {
		target, method, args := how(b, s, hand)
		answered, err := get[run](b.ctx, target, method, args...)
		return answered.row(), err
	}
}
