package sqlite

import (
	"context"
	"time"

	"github.com/pgqrs/pgqrs/core/model"
)

// insertKeyed stores messages of which some have dedup keys, and remembers these.
// What is remembered already is not stored again. Nobody else writes meanwhile, so
// looking first is enough.
func (t *tx) insertKeyed(queueID int64, messages []model.NewMessage) ([]int64, error) {
	ids := make([]int64, len(messages))
	var fresh []model.NewMessage
	var places []int          // of the fresh ones among the messages
	first := map[string]int{} // where each key is met first
	for i, m := range messages {
		if m.DedupKey != "" {
			if _, met := first[m.DedupKey]; met {
				continue
			}
			first[m.DedupKey] = i
			id, err := t.integer("dedup_find", queueID, m.DedupKey)
			if err != nil {
				return nil, err
			}
			if ids[i] = id; id != 0 {
				continue
			}
		}
		fresh, places = append(fresh, m), append(places, i)
	}
	stored, err := t.insertAll(queueID, fresh)
	if err != nil {
		return nil, err
	}
	for n, id := range stored {
		ids[places[n]] = id
		if key := fresh[n].DedupKey; key != "" {
			if _, err := t.exec("dedup_add", queueID, key, id, t.now); err != nil {
				return nil, err
			}
		}
	}
	for i, m := range messages {
		if m.DedupKey != "" {
			ids[i] = ids[first[m.DedupKey]]
		}
	}
	return ids, nil
}

// ForgetKeys implements engine.Messages. It looks beside the writer first, because
// most of the time there is nothing to forget.
func (e *store) ForgetKeys(ctx context.Context, age time.Duration, limit int) (removed int64, err error) {
	before := microsNow() - micros(age)
	if old, err := e.count(ctx, "dedup_old", before); err != nil || old == 0 {
		return 0, err
	}
	err = e.write(ctx, limit, func(t *tx) (err error) {
		removed, err = t.exec("dedup_forget", before, int64(limit))
		return err
	})
	return removed, err
}
