package postgres

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// Finish implements engine.Messages.
func (s *store) Finish(ctx context.Context, how engine.Finish, tokens []model.Token) ([]bool, error) {
	query := "Archive"
	if how == engine.FinishDelete {
		query = "Delete"
	}
	return s.acknowledge(ctx, query, len(tokens), func(i int) model.Token { return tokens[i] }, nil)
}

// Extend implements engine.Messages. Equal tokens share one row, which asks for
// the longest of their extensions.
func (s *store) Extend(ctx context.Context, extensions []engine.Extension) ([]bool, error) {
	longest := make(map[model.Token]time.Duration, len(extensions))
	for _, e := range extensions {
		longest[e.Token] = max(longest[e.Token], e.For)
	}
	token := func(i int) model.Token { return extensions[i].Token }
	results, err := s.acknowledge(ctx, "Extend", len(extensions), token, func(inputs []int) []any {
		wanted := make([]float64, len(inputs))
		for row, i := range inputs {
			wanted[row] = seconds(longest[token(i)])
		}
		return []any{wanted}
	})
	if err != nil || len(longest) == len(extensions) {
		return results, err
	}
	took := make(map[model.Token]bool, len(longest))
	for i, ok := range results {
		took[token(i)] = took[token(i)] || ok
	}
	for i := range results {
		results[i] = took[token(i)]
	}
	return results, nil
}

// Release implements engine.Messages.
func (s *store) Release(ctx context.Context, releases []engine.Release) ([]bool, error) {
	token := func(i int) model.Token { return releases[i].Token }
	return s.acknowledge(ctx, "Release", len(releases), token, func(inputs []int) []any {
		instants := make([]*time.Time, len(inputs))
		unread := make([]bool, len(inputs))
		for row, i := range inputs {
			instants[row], unread[row] = instant(releases[i].At), releases[i].Unread
		}
		return []any{instants, unread}
	})
}

// acknowledge runs a query of queries/acknowledge.sql over n tokens and returns
// which took effect. columns, when not nil, returns the arrays beside the tokens
// for the inputs of one round.
func (s *store) acknowledge(ctx context.Context, query string, n int, token func(i int) model.Token, columns func(inputs []int) []any) ([]bool, error) {
	if n == 0 {
		return nil, nil
	}
	results := make([]bool, n)
	var steps []step
	for _, inputs := range rounds(n, token) {
		ids, workers, counts := make([]int64, len(inputs)), make([]int64, len(inputs)), make([]int32, len(inputs))
		for row, i := range inputs {
			t := token(i)
			ids[row], workers[row], counts[row] = t.ID, t.Worker, t.ReadCt
		}
		args := []any{ids, workers, counts}
		if columns != nil {
			args = append(args, columns(inputs)...)
		}
		steps = append(steps, s.step(query, mark(results, inputs, ids), args...))
	}
	if err := s.writeWith(ctx, pinned, steps...); err != nil {
		return nil, err
	}
	return results, nil
}

// rounds splits inputs into statements that name every message at most once,
// each sorted by id: a statement that met a message twice would decide by the
// order of its plan. Tokens for one message keep their input order across the
// rounds; of equal tokens only the first is asked. Nearly always there is one
// round.
func rounds(n int, token func(i int) model.Token) [][]int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(token(a).ID, token(b).ID) })
	var split [][]int
	for start := 0; start < n; {
		end := start + 1
		for end < n && token(order[end]).ID == token(order[start]).ID {
			end++
		}
		split = deal(split, order[start:end], token)
		start = end
	}
	return split
}

// deal gives the inputs of one message to successive rounds.
func deal(split [][]int, same []int, token func(i int) model.Token) [][]int {
	round := 0
	for at, i := range same {
		if at > 0 && slices.ContainsFunc(same[:at], func(j int) bool { return token(j) == token(i) }) {
			continue
		}
		if round == len(split) {
			split = append(split, nil)
		}
		split[round] = append(split[round], i)
		round++
	}
	return split
}

// mark reads the ids that took effect, and sets the results of the inputs that
// named them; ids are sorted, one an input.
func mark(results []bool, inputs []int, ids []int64) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		for _, i := range inputs {
			results[i] = false
		}
		return eachID(rows, func(id int64) {
			if row, ok := slices.BinarySearch(ids, id); ok {
				results[inputs[row]] = true
			}
		})
	}
}
