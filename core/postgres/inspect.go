package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgqrs/pgqrs/core/model"
)

// longSnapshot is from when on a backend that holds back vacuum is worth a word:
// dead rows of a busy queue pile up meanwhile.
const longSnapshot = time.Minute

// Inspect implements engine.Engine.
func (s *store) Inspect(ctx context.Context) ([]model.Setting, error) {
	return s.inspect(ctx, longSnapshot)
}

func (s *store) inspect(ctx context.Context, long time.Duration) ([]model.Setting, error) {
	var settings, oldest []model.Setting
	err := s.read(ctx,
		s.step("Settings", each(&settings, scanSetting)),
		s.step("OldestSnapshot", each(&oldest, scanSnapshot), seconds(long)),
	)
	if err != nil {
		return nil, err
	}
	pooler := PoolerNone
	if s.pooled {
		pooler = PoolerTransaction
	}
	list := []model.Setting{{Name: "engine", Value: "postgres"}}
	list = append(append(list, settings...), model.Setting{Name: "pooler", Value: pooler})
	return append(list, oldest...), nil
}

func scanSetting(row pgx.Rows) (m model.Setting, err error) {
	err = row.Scan(&m.Name, &m.Value)
	return m, err
}

func scanSnapshot(row pgx.Rows) (model.Setting, error) {
	var pid int32
	var state string
	var seconds float64
	err := row.Scan(&pid, &state, &seconds)
	return model.Setting{
		Name: "oldest_snapshot", Value: fmt.Sprintf("pid %d, state %s, for %.0f s", pid, state, seconds),
	}, err
}
