package tworuntimes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/pgqrs/pgqrs/bindings"
)

const callers = 16

var jobs = map[string]func(context.Context) error{
	"stress": stress, "spin": spin, "sigurg": sigurg, "threads": threads, "leaks": leaks, "end": end,
}

// open opens a store in memory with a queue.
func open(ctx context.Context) (*bindings.Store, *bindings.Producer, *bindings.Consumer, error) {
	store, err := bindings.Open(ctx, "sqlite::memory:", bindings.Options{Bootstrap: true})
	if err != nil {
		return nil, nil, nil, err
	}
	if _, err := store.Admin().CreateQueue(ctx, "tasks", 0); err != nil {
		return nil, nil, nil, err
	}
	producer, err := store.Producer(ctx, "tasks", bindings.WorkerOptions{})
	if err != nil {
		return nil, nil, nil, err
	}
	consumer, err := store.Consumer(ctx, "tasks", bindings.WorkerOptions{})
	return store, producer, consumer, err
}

// stress: calling goroutines beside a loop of collections.
func stress(ctx context.Context) error {
	store, producer, consumer, err := open(ctx)
	if err != nil {
		return err
	}
	over := time.Now().Add(stressTime())
	var wg sync.WaitGroup
	var messages, collections atomic.Int64
	failures := make(chan error, callers+1)
	for range callers {
		wg.Go(func() {
			for time.Now().Before(over) {
				if err := once(ctx, producer, consumer); err != nil {
					failures <- err
					return
				}
				messages.Add(1)
			}
		})
	}
	wg.Go(func() {
		for time.Now().Before(over) {
			runtime.GC()
			collections.Add(1)
		}
	})
	wg.Wait()
	close(failures)
	err = errors.Join(<-failures, store.Close(ctx), bindings.Shutdown(time.Second))
	fmt.Printf("%d messages beside %d collections\n", messages.Load(), collections.Load())
	return err
}

// once takes one message through the queue, somebody's if not its own.
func once(ctx context.Context, producer *bindings.Producer, consumer *bindings.Consumer) error {
	if _, err := producer.Enqueue(ctx, map[string]any{"text": "some payload", "list": []int{1, 2, 3}}); err != nil {
		return err
	}
	got, err := consumer.Dequeue(ctx, bindings.DequeueOptions{Lease: time.Minute})
	if err != nil {
		return err
	}
	for _, m := range got {
		var payload struct{ Text string }
		if err := m.Decode(&payload); err != nil || payload.Text != "some payload" {
			return fmt.Errorf("message %d came back as %s: %w", m.ID, m.Payload, err)
		}
		if done, err := m.Archive(ctx); err != nil || !done {
			return fmt.Errorf("archive %d: %t, %w", m.ID, done, err)
		}
	}
	return nil
}

// spin: a collection has to stop a goroutine that makes no calls, which takes the
// signal that a second runtime takes over.
func spin(ctx context.Context) error {
	store, producer, consumer, err := open(ctx)
	if err != nil {
		return err
	}
	go func() {
		for n := 0; ; n++ { //nolint:staticcheck // it is the point that this never ends and calls nothing
		}
	}()
	for range 20 {
		runtime.GC()
		if err := once(ctx, producer, consumer); err != nil {
			return err
		}
	}
	return store.Close(ctx)
}

func sigurg(ctx context.Context) error {
	before, err := disposition()
	if err != nil {
		return err
	}
	store, _, _, err := open(ctx)
	if err != nil {
		return err
	}
	after, err := disposition()
	if err != nil {
		return err
	}
	if before != after {
		return fmt.Errorf("SIGURG was %x and is %x", before, after)
	}
	return store.Close(ctx)
}

// disposition is struct sigaction of the kernel for SIGURG.
func disposition() (action [32]byte, err error) {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGURG), 0,
		uintptr(unsafe.Pointer(&action)), 8, 0, 0)
	if errno != 0 {
		return action, errno
	}
	return action, nil
}

// threads: many goroutines wait in the library, and few threads exist.
func threads(ctx context.Context) error {
	const waiters, most = 512, 20
	store, producer, consumer, err := open(ctx)
	if err != nil {
		return err
	}
	begun, answers := make(chan struct{}, waiters), make(chan error, waiters)
	for range waiters {
		go func() {
			begun <- struct{}{}
			got, err := consumer.Dequeue(ctx, bindings.DequeueOptions{Wait: -1, Lease: time.Minute})
			if err == nil && len(got) != 1 {
				err = fmt.Errorf("leased %d messages", len(got))
			}
			answers <- err
		}()
	}
	for range waiters {
		<-begun
	}
	payloads := make([]any, waiters)
	for i := range payloads {
		payloads[i] = i
	}
	waiting, err := entries("/proc/self/task")
	if err != nil {
		return err
	}
	if _, err := producer.EnqueueBatch(ctx, payloads); err != nil {
		return err
	}
	for range waiters {
		if err := <-answers; err != nil {
			return err
		}
	}
	served, err := entries("/proc/self/task")
	if err != nil {
		return err
	}
	fmt.Printf("%d threads while %d goroutines waited, %d when they were served\n", waiting, waiters, served)
	if max(waiting, served) >= most {
		return fmt.Errorf("there are %d threads, and %d are the most", max(waiting, served), most)
	}
	return store.Close(ctx)
}

// leaks: descriptors and goroutines after many stores are what they were after one.
func leaks(ctx context.Context) error {
	const stores = 30
	first, err := used(ctx, 1, [2]int{})
	if err != nil {
		return err
	}
	last, err := used(ctx, stores, first)
	if err != nil {
		return err
	}
	fmt.Printf("%d descriptors and %d goroutines after one store, %d and %d after %d\n",
		first[0], first[1], last[0], last[1], 1+stores)
	if last[0] > first[0] || last[1] > first[1] {
		return errors.New("stores leave something behind")
	}
	return nil
}

// used opens and closes stores and counts descriptors and goroutines. A goroutine
// that is over tells nobody, so it waits a moment for as few as there should be.
func used(ctx context.Context, stores int, want [2]int) (have [2]int, err error) {
	for range stores {
		store, producer, consumer, err := open(ctx)
		if err != nil {
			return have, err
		}
		if err := errors.Join(once(ctx, producer, consumer), store.Close(ctx)); err != nil {
			return have, err
		}
	}
	for end := time.Now().Add(time.Second); ; time.Sleep(time.Millisecond) {
		files, err := entries("/proc/self/fd")
		have = [2]int{files, runtime.NumGoroutine()}
		if err != nil || have[0] <= want[0] && have[1] <= want[1] || time.Now().After(end) {
			return have, err
		}
	}
}

// end: the end of the library ends what waits in it, and is final.
func end(ctx context.Context) error {
	store, _, consumer, err := open(ctx)
	if err != nil {
		return err
	}
	answer := make(chan error, 1)
	go func() {
		_, err := consumer.Dequeue(ctx, bindings.DequeueOptions{Wait: -1})
		answer <- err
	}()
	if err := bindings.Shutdown(10 * time.Second); err != nil {
		return err
	}
	if err := <-answer; !errors.Is(err, bindings.Closed) {
		return fmt.Errorf("the waiting call answered %w", err)
	}
	if _, err := bindings.Open(ctx, "sqlite::memory:", bindings.Options{}); !errors.Is(err, bindings.Closed) {
		return fmt.Errorf("opening a store after the end answered %w", err)
	}
	return errors.Join(store.Close(ctx), bindings.Shutdown(time.Second))
}

func entries(directory string) (int, error) {
	list, err := os.ReadDir(directory)
	return len(list), err
}
