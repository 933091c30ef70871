package spawn

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// Report receives a recovered panic with the stack of the goroutine that
// panicked. A nil Report panics again.
type Report func(recovered any, stack []byte)

// Go runs f in a new goroutine and hands a panic of f to report.
func Go(report Report, f func()) {
	go run(report, f, func() {})
}

func run(report Report, f, done func()) {
	defer done() // after the report: who waits for the end may read what it wrote
	defer func() {
		if r := recover(); r != nil {
			if report == nil {
				panic(fmt.Sprintf("%v\n\noriginal stack:\n%s", r, debug.Stack()))
			}
			report(r, debug.Stack())
		}
	}()
	f()
}

// Group owns goroutines: whoever starts them can wait for their end. The zero
// Group is ready for use and panics again on a panic.
type Group struct {
	Report Report
	wg     sync.WaitGroup
}

// Go runs f in a new goroutine of the group.
func (g *Group) Go(f func()) {
	g.wg.Add(1)
	go run(g.Report, f, g.wg.Done)
}

// Run runs f on the calling goroutine, as Go does on a new one: a panic of f goes
// to the group's report, and Run returns after it unless that panics again.
func (g *Group) Run(f func()) {
	g.wg.Add(1)
	run(g.Report, f, g.wg.Done)
}

// Wait returns when every goroutine of the group has ended.
func (g *Group) Wait() { g.wg.Wait() }
