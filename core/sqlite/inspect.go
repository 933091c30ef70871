package sqlite

import (
	"context"
	"fmt"
	"os"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/core/model"
)

// Inspect implements engine.Engine. Settings of a connection are the same on all
// of them, so any tells.
func (e *store) Inspect(ctx context.Context) ([]model.Setting, error) {
	list := []model.Setting{{Name: "engine", Value: "sqlite"}}
	err := e.read(ctx, func(c *conn) error {
		_, err := c.query("inspect", func(row *sqlite3.Stmt) {
			list = append(list, model.Setting{Name: row.ColumnText(0), Value: row.ColumnText(1)})
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	if e.at.memory() {
		return append(list, model.Setting{Name: "path", Value: ":memory:"}), nil
	}
	list = append(list, model.Setting{Name: "path", Value: e.at.path})
	if file, err := os.Stat(e.at.path); err == nil { // a file that was moved away has no mode to show
		list = append(list, model.Setting{Name: "mode", Value: fmt.Sprintf("%04o", file.Mode().Perm())})
	}
	return list, nil
}
