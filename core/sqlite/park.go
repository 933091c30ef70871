package sqlite

import (
	"log/slog"
	"sync"
)

// parked are connections that could not be closed. It is state of the process,
// as the locks that are at stake are: dropped references would be closed by the
// garbage collector.
var parked struct {
	sync.Mutex
	sets []retired
}

// retired is the pool of an engine that was closed.
type retired struct {
	descriptors []int
	conns       []*conn // the writer's first
}

// retire closes the connections of an engine, or parks them until nobody else in
// the process has the file open. It also looks after those parked before.
func retire(at location, descriptors []int, conns []*conn, log *slog.Logger) {
	parked.Lock()
	defer parked.Unlock()
	all := parked.sets
	if len(conns) > 0 {
		all = append(all, retired{descriptors, conns})
	}
	parked.sets = nil
	for _, set := range all {
		if sharedWithOthers(set.descriptors) {
			parked.sets = append(parked.sets, set)
			continue
		}
		for i := len(set.conns) - 1; i >= 0; i-- {
			if err := set.conns[i].close(); err != nil {
				log.Warn("closing a connection failed", "database", at.String(), "error", err)
			}
		}
	}
	if len(parked.sets) > 0 {
		log.Debug("connections stay open: another library in this process uses the same database file", "stores", len(parked.sets))
	}
}
