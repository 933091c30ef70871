package sqlite

import (
	"context"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// held is the present fencing token of a message, and whether the message has
// been leased as often as its queue allows.
type held struct {
	worker  int64
	readCt  int32
	atLimit bool
}

// matches reports whether a caller's token still holds.
func (h held) matches(t model.Token) bool {
	return h.worker == t.Worker && (t.ReadCt == 0 || t.ReadCt == h.readCt)
}

// leases reads who holds the messages of n tokens. The transaction holds the
// write lock, so what it says stays true until the commit.
func (t *tx) leases(n int, token func(int) model.Token) (map[int64]held, error) {
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = token(i).ID
	}
	found := make(map[int64]held, n)
	err := t.queryEach("leases", ids, func(row *sqlite3.Stmt) {
		found[row.ColumnInt64(0)] = held{row.ColumnInt64(1), int32(row.ColumnInt64(2)), row.ColumnInt64(3) != 0}
	})
	return found, err
}

// won decides n tokens in input order: the first that matches a message takes
// it, and took is called for it.
func (t *tx) won(n int, token func(int) model.Token, took func(i int, h held)) ([]bool, error) {
	found, err := t.leases(n, token)
	if err != nil {
		return nil, err
	}
	out := make([]bool, n)
	for i := range out {
		tok := token(i)
		if h, ok := found[tok.ID]; ok && h.matches(tok) {
			out[i] = true
			delete(found, tok.ID)
			took(i, h)
		}
	}
	return out, nil
}

// Finish implements engine.Messages.
func (e *store) Finish(ctx context.Context, how engine.Finish, tokens []model.Token) (out []bool, err error) {
	return e.acknowledge(ctx, len(tokens), func(t *tx) ([]bool, error) {
		var ids []int64
		out, err := t.won(len(tokens), func(i int) model.Token { return tokens[i] }, func(i int, _ held) {
			ids = append(ids, tokens[i].ID)
		})
		if err != nil {
			return nil, err
		}
		if how == engine.FinishArchive {
			return out, t.archive(ids, nil)
		}
		return out, t.remove(ids)
	})
}

// Extend implements engine.Messages.
func (e *store) Extend(ctx context.Context, extensions []engine.Extension) ([]bool, error) {
	return e.acknowledge(ctx, len(extensions), func(t *tx) ([]bool, error) {
		found, err := t.leases(len(extensions), func(i int) model.Token { return extensions[i].Token })
		if err != nil {
			return nil, err
		}
		out := make([]bool, len(extensions))
		until := map[int64][]int64{} // keepers ask for many leases of one length
		for i, x := range extensions {
			if h, ok := found[x.Token.ID]; ok && h.matches(x.Token) {
				out[i] = true
				vt := t.now + micros(x.For)
				until[vt] = append(until[vt], x.Token.ID)
			}
		}
		return out, t.execGroups("extend", until)
	})
}

// Release implements engine.Messages.
func (e *store) Release(ctx context.Context, releases []engine.Release) ([]bool, error) {
	return e.acknowledge(ctx, len(releases), func(t *tx) ([]bool, error) {
		var dead []int64
		unread, plain := map[int64][]int64{}, map[int64][]int64{}
		out, err := t.won(len(releases), func(i int) model.Token { return releases[i].Token }, func(i int, h held) {
			r := releases[i]
			vt := t.now
			if !r.At.IsZero() {
				vt = r.At.UnixMicro()
			}
			switch {
			case r.Unread:
				unread[vt] = append(unread[vt], r.Token.ID)
			case h.atLimit:
				dead = append(dead, r.Token.ID)
			default:
				plain[vt] = append(plain[vt], r.Token.ID)
			}
		})
		if err != nil {
			return nil, err
		}
		if err := t.archive(dead, deadReleased); err != nil {
			return nil, err
		}
		if err := t.execGroups("release_unread", unread); err != nil {
			return nil, err
		}
		return out, t.execGroups("release", plain)
	})
}

// acknowledge runs f in a transaction and returns its outcomes.
func (e *store) acknowledge(ctx context.Context, n int, f func(*tx) ([]bool, error)) (out []bool, err error) {
	if n == 0 {
		return []bool{}, nil
	}
	err = e.write(ctx, n, func(t *tx) (err error) {
		out, err = f(t)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// execGroups runs a statement for each instant with the ids it applies to.
func (t *tx) execGroups(name string, byInstant map[int64][]int64) error {
	for vt, ids := range byInstant {
		if _, err := t.execEach(name, ids, vt); err != nil {
			return err
		}
	}
	return nil
}

// archive moves messages to the archive; reason is nil, or why they are dead, one of
// the texts of deadletter.go.
func (t *tx) archive(ids []int64, reason any) error {
	n, err := t.execEach("archive", ids, t.now, reason)
	if err != nil {
		return err
	}
	if n != int64(len(ids)) {
		return fault.New(fault.Internal, "archived %d of %d messages", n, len(ids))
	}
	return t.remove(ids)
}

// remove deletes messages, each of which must be there.
func (t *tx) remove(ids []int64) error {
	n, err := t.execEach("remove", ids)
	if err == nil && n != int64(len(ids)) {
		err = fault.New(fault.Internal, "removed %d of %d messages", n, len(ids))
	}
	return err
}
