package core

import (
	"sync/atomic"
	"time"
)

// leases remembers how long the leases of a worker are at most. What a worker holds is
// found by when its leases end, and in a queue with many delayed messages that is
// little if it is known how late that can be.
type leases struct{ most atomic.Int64 }

// stepBack is by how much the database's clock may be set back during a lease that is
// still found at the end.
const stepBack = time.Minute

// take says that a lease is asked for, or is to be extended, for so long. It comes
// before the database is asked.
func (l *leases) take(d time.Duration) {
	for {
		most := l.most.Load()
		if int64(d) <= most || l.most.CompareAndSwap(most, int64(d)) {
			return
		}
	}
}

// longest is from now to when the last lease ends at the latest; 0: there was none.
func (l *leases) longest() time.Duration {
	most := time.Duration(l.most.Load())
	if most == 0 {
		return 0
	}
	return most + stepBack
}
