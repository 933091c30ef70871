package loadgen

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"time"
)

// Payload is the document of every measurement.
const Payload = `{"task": "send_email", "to": "user@example.com", "n": 123}`

// Document is the payload as the options want it: Payload, or one of about
// "payload_bytes" bytes, which no server can compress.
func Document(options map[string]any) []byte {
	size := Params(options).Int("payload_bytes")
	if size == 0 {
		return []byte(Payload)
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	random := rand.New(rand.NewPCG(1, uint64(size)))
	body := make([]byte, size-72)
	for i := range body {
		body[i] = letters[random.IntN(len(letters))]
	}
	return fmt.Appendf(nil, `%s, "body": "%s"}`, strings.TrimSuffix(Payload, "}"), body)
}

// ErrUnsupported means that the contender has no such verb; it wraps the verb's name.
var ErrUnsupported = errors.New("unsupported")

// A Contender is one product on one empty database. What it can do it shows by the
// interfaces below; a workload that needs another verb is reported as unsupported.
type Contender interface {
	// Open connects, installs the schema, makes the queue, and returns the versions of what is measured.
	Open(ctx context.Context, dsn string, options map[string]any) (versions map[string]string, err error)
	Close(ctx context.Context)
}

// An Enqueuer stores one message and returns after its commit.
type Enqueuer interface {
	Enqueue(ctx context.Context) error
}

// A BatchEnqueuer stores messages in one transaction and returns after its commit.
type BatchEnqueuer interface {
	EnqueueBatch(ctx context.Context, messages int) error
}

// Take fetches up to batch messages, acknowledges them, and returns how many it was.
type Take func(ctx context.Context, batch int) (int, error)

// A Taker makes consumers.
type Taker interface {
	Taker(ctx context.Context) (Take, error)
}

// A Worker runs the product's own worker loop and calls handle once a message, until
// stop, which returns when everything handled is acknowledged.
type Worker interface {
	Work(ctx context.Context, handle func(), concurrency int) (stop func(), err error)
}

// A Prober makes measurements only it knows.
type Prober interface {
	Probe(ctx context.Context, name string, seconds time.Duration, params Params) (Result, error)
}

// Result is the answer to a run: at least "seconds" and "messages".
type Result map[string]float64

// Params are the parameters of a step, from JSON.
type Params map[string]any

// Float returns a number, or what it is by default.
func (p Params) Float(name string, otherwise float64) float64 {
	if value, ok := p[name].(float64); ok {
		return value
	}
	return otherwise
}

// Int returns a whole number, 0 when it is not given.
func (p Params) Int(name string) int { return int(p.Float(name, 0)) }

// String returns a text, empty when it is not given.
func (p Params) String(name string) string {
	value, _ := p[name].(string)
	return value
}

// Seconds returns how long a run shall last.
func (p Params) Seconds(name string, otherwise float64) time.Duration {
	return time.Duration(p.Float(name, otherwise) * float64(time.Second))
}

type command struct {
	DSN     string         `json:"dsn"`
	Options map[string]any `json:"options"`
	Prepare string         `json:"prepare"`
	Params  Params         `json:"params"`
	Run     bool           `json:"run"`
	Quit    bool           `json:"quit"`
}

// Serve obeys the suite until it ends the program.
func Serve(contender Contender) {
	ctx := context.Background()
	lines := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	session := session{contender: contender}
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil || c.Quit {
			break
		}
		result, err := session.obey(ctx, c)
		answer := map[string]any{"ok": result}
		if errors.Is(err, ErrUnsupported) {
			answer = map[string]any{"unsupported": err.Error()}
		} else if err != nil {
			answer = map[string]any{"error": err.Error()}
		}
		if answers.Encode(answer) != nil {
			break
		}
	}
	contender.Close(ctx)
}

type session struct {
	contender Contender
	workload  workload
}

func (s *session) obey(ctx context.Context, c command) (any, error) {
	switch {
	case c.DSN != "":
		versions, err := s.contender.Open(ctx, c.DSN, c.Options)
		return map[string]any{"versions": versions}, err
	case c.Prepare != "":
		make, ok := workloads[c.Prepare]
		if !ok {
			return nil, fmt.Errorf("%w: workload %s", ErrUnsupported, c.Prepare)
		}
		var err error
		s.workload, err = make(s.contender, c.Params)
		if err == nil {
			err = s.workload.prepare(ctx)
		}
		return map[string]any{}, err
	default:
		before := cpuSeconds()
		result, err := s.workload.run(ctx)
		if err != nil {
			return nil, err
		}
		answer := Result{"client_cpu": cpuSeconds() - before}
		maps.Copy(answer, result)
		return answer, nil
	}
}

// cpuSeconds is the processor time of this process.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}
