//go:build !linux

package sqlite

import "time"

// watchPoll is how often listeners look where the system tells of no changes.
const watchPoll = 50 * time.Millisecond

// watch rings heard now and then, until the returned function is called.
func watch(e *store, _ string, heard chan struct{}) (stop func(), err error) {
	done := make(chan struct{})
	e.group.Go(func() {
		ticker := time.NewTicker(watchPoll)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				ring(heard)
			}
		}
	})
	return func() { close(done) }, nil
}
