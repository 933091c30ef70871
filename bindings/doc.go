// Package bindings is the job queue for Go programs over the shared library,
// libpgqrs.so.1, which it loads when the first store is opened. It builds with
// CGO_ENABLED=0.
//
// A Go program is better served by package core, which is the queue itself. This
// package is for programs that must share the library with other languages, or
// exchange it without being built again. It puts two Go runtimes into one process,
// which the Go project does not support (golang/go#18976, #22192, #65050); it is
// tested on linux/amd64 and refuses to load elsewhere than on Linux.
//
//	store, err := bindings.Open(ctx, "sqlite:///jobs.db", bindings.Options{Bootstrap: true})
//	...
//	defer store.Close(ctx)
//	producer, err := store.Producer(ctx, "tasks", bindings.WorkerOptions{})
//	id, err := producer.Enqueue(ctx, map[string]any{"send": "welcome"})
//
//	consumer, err := store.Consumer(ctx, "tasks", bindings.WorkerOptions{})
//	for message, err := range consumer.Messages(ctx, bindings.DequeueOptions{AutoExtend: true}) {
//		...
//		_, err = message.Archive(ctx)
//	}
//
// Names and meanings are those of package core; the types are this package's own.
// Every call takes a context: when it ends, a call that has stored nothing answers
// the context's error, and any other its true outcome. Waiting goroutines occupy
// no thread. All methods are safe for concurrent use.
//
// The library is named by PGQRS_LIBRARY; else it is looked for beside the
// executable, and then where the system's loader looks.
package bindings
