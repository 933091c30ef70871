package enginetest

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/spawn"
)

// process is this test binary, run once more to do a job on the same store.
type process struct {
	b       *bundle
	cmd     *exec.Cmd
	stderr  bytes.Buffer
	replies chan reply // closed at the end of its output
	reader  spawn.Group
	ended   bool
}

// start runs a job in another process, which the end of the case kills.
func (b *bundle) start(j job) *process {
	b.t.Helper()
	if b.store.Spec == "" {
		b.t.Skipf("%s cannot be opened by another process", b.store.Name)
	}
	j.Spec = b.store.Spec
	text, err := json.Marshal(j)
	b.ok(err)
	p := &process{b: b, cmd: exec.Command(os.Args[0]), replies: make(chan reply, 10_000)}
	p.cmd.Env = append(os.Environ(), jobVariable+"="+string(text))
	p.cmd.Stderr = &p.stderr
	_, err = p.cmd.StdinPipe() // its end tells the process of ours
	b.ok(err)
	stdout, err := p.cmd.StdoutPipe()
	b.ok(err)
	b.ok(p.cmd.Start())
	p.reader.Go(func() { p.read(stdout) })
	b.t.Cleanup(func() { p.kill() })
	return p
}

func (p *process) read(stdout io.Reader) {
	defer close(p.replies)
	for d := json.NewDecoder(stdout); ; {
		var r reply
		if d.Decode(&r) != nil { // the end, or a line cut short by a kill
			return
		}
		p.replies <- r
	}
}

// next returns the next reply.
func (p *process) next() reply {
	p.b.t.Helper()
	select {
	case r, ok := <-p.replies:
		if !ok {
			p.join()
			p.b.t.Fatal("the process ended without a reply")
		}
		return r
	case <-time.After(patience):
		p.b.t.Fatalf("no reply within %v", patience)
		return reply{}
	}
}

// join waits for the process to succeed and returns its remaining ids.
func (p *process) join() []int64 {
	p.b.t.Helper()
	all := p.drain()
	p.ended = true
	require.NoError(p.b.t, p.cmd.Wait(), "%s", &p.stderr)
	return all
}

// kill ends the process as a power cut would, and returns its remaining ids.
func (p *process) kill() []int64 {
	if p.ended {
		return nil
	}
	p.ended = true
	_ = p.cmd.Process.Kill() // it may have ended by itself
	all := p.drain()
	_ = p.cmd.Wait() // "killed" is no news
	return all
}

// drain reads until the process has no more to say.
func (p *process) drain() []int64 {
	var all []int64
	for r := range p.replies {
		all = append(all, r.IDs...)
	}
	p.reader.Wait()
	return all
}
