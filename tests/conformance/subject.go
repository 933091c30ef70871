package conformance

import (
	"context"
	"net/url"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
)

// Subject is one implementation of the public surface.
type Subject struct {
	// Open opens a store and installs its schema.
	Open func(ctx context.Context, dsn string) (any, error)
	// Status is the name of an error's status in pgqrs.h, without PGQRS_E_.
	Status func(error) string
}

// The plain types of the suite: the fields that it looks at.
type (
	token          struct{ ID int64 }
	workerOptions  struct{}
	enqueueOptions struct {
		Delay     time.Duration
		DedupKeys []string
	}
	releaseOptions struct{}
	dequeueOptions struct {
		Batch       int
		Lease, Wait time.Duration
	}
	page   struct{ Limit int64 }
	filter struct {
		Queue, Contains string
		DeadOnly        bool
	}
	message struct {
		ID         int64
		Payload    []byte
		ReadCt     int32
		DeadReason string
	}
)

// Patience bounds every case; a hang is a failure, not a wait.
const Patience = 30 * time.Second

// engines are the stores of a test by their engine.
var engines = map[string]func(testing.TB) string{"sqlite": SQLite, "postgres": Postgres}

// Run runs the vectors and the cases on both engines.
func Run(t *testing.T, s Subject) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			runVectors(t, s, dsn)
			for name, body := range cases {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					body(newBundle(t, s, dsn(t)))
				})
			}
		})
	}
}

// SQLite returns the DSN of an empty file.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:///" + filepath.Join(t.TempDir(), "jobs.db") // four slashes: an absolute path
}

// Postgres returns the DSN of an empty schema on the test server.
func Postgres(t testing.TB) string {
	t.Helper()
	server := testdb.Postgres(t)
	dsn, err := url.Parse(server)
	require.NoError(t, err)
	query := dsn.Query()
	query.Set("pgqrs_schema", testdb.Schema(t, server))
	dsn.RawQuery = query.Encode()
	return dsn.String()
}

// A bundle is what one case works with: a store of its own.
type bundle struct {
	*testing.T
	Subject
	ctx   context.Context
	store any
	admin any
}

func newBundle(t *testing.T, s Subject, dsn string) bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	store, err := s.Open(ctx, dsn)
	require.NoError(t, err)
	t.Cleanup(func() {
		defer cancel()
		closing, stop := context.WithTimeout(context.WithoutCancel(ctx), Patience)
		defer stop()
		require.NoError(t, call(closing, store, "Close", nil))
	})
	admin := reflect.ValueOf(store).MethodByName("Admin").Call(nil)[0].Interface()
	return bundle{T: t, Subject: s, ctx: ctx, store: store, admin: admin}
}

func (b bundle) queue(name string) {
	b.Helper()
	require.NoError(b, call(b.ctx, b.admin, "CreateQueue", nil, name, int32(0)))
}

func (b bundle) worker(kind, queue string) any {
	b.Helper()
	w, err := get[any](b.ctx, b.store, kind, queue, workerOptions{})
	require.NoError(b, err)
	return w
}

func (b bundle) enqueue(producer any, payload any) int64 {
	b.Helper()
	id, err := get[int64](b.ctx, producer, "Enqueue", payload)
	require.NoError(b, err)
	return id
}
