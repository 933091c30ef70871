package spawn

import (
	"runtime"
	"runtime/metrics"
)

// Yield lets goroutines that are ready run first. Whoever is about to keep its
// processor for long, and would rather do the work of all callers at once, gives them
// the chance to come. Where none is ready it takes 0.1 us, which runtime.Gosched
// does not: it wakes another thread in any case.
func Yield() {
	ready := []metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}}
	metrics.Read(ready)
	if v := ready[0].Value; v.Kind() != metrics.KindUint64 || v.Uint64() > 0 {
		runtime.Gosched()
	}
}
