package call

import (
	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/cmem"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
)

// Failed is an error that has a handle: its record, with the texts in C memory.
type Failed struct {
	Record                    cerr.Record
	Message, Operation, Field cmem.Text
	memory                    *cmem.Block
}

// Freed implements handle.Freer.
func (f *Failed) Freed() { f.memory.Free() }

// Fail gives a failure its handle; 0 where there is no memory for its texts, and
// then its status says what there is to say.
func (l *Library) Fail(r cerr.Record) handle.Handle {
	memory, texts, err := cmem.Texts(r.Message, r.Operation, r.Field)
	if err != nil {
		return 0
	}
	return l.Handles.Insert(handle.Error, &Failed{
		Record: r, memory: memory, Message: texts[0], Operation: texts[1], Field: texts[2],
	})
}
