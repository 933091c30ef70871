package bindings

import (
	"context"
	"time"
)

// GetMessage finds a message in its queue. Errors: MessageNotFound.
func (a *Admin) GetMessage(ctx context.Context, id int64) (Message, error) {
	return ask(ctx, a.object, readMessage, a.id(a.lib.messageGet, id))
}

// ListMessages lists messages in their queues.
func (a *Admin) ListMessages(ctx context.Context, f Filter, page Page) ([]Message, error) {
	return ask(ctx, a.object, readMessages, a.rows(a.lib.messageList, rows{Filter: f, page: page}))
}

// CountMessages counts messages in their queues.
func (a *Admin) CountMessages(ctx context.Context, f Filter) (int64, error) {
	return ask(ctx, a.object, readCount, a.rows(a.lib.messageCount, rows{Filter: f}))
}

// DeadLetter moves a message that nobody leases to the archive as a dead letter.
// Errors: MessageNotFound, StateTransition (leased).
func (a *Admin) DeadLetter(ctx context.Context, id int64) error {
	return run(ctx, a.object, a.id(a.lib.messageDeadLetter, id))
}

// GetArchived finds a message in the archive. Errors: MessageNotFound.
func (a *Admin) GetArchived(ctx context.Context, id int64) (Message, error) {
	return ask(ctx, a.object, readMessage, a.id(a.lib.archiveGet, id))
}

// ListArchived lists archived messages.
func (a *Admin) ListArchived(ctx context.Context, f Filter, page Page) ([]Message, error) {
	return ask(ctx, a.object, readMessages, a.rows(a.lib.archiveList, rows{Filter: f, page: page}))
}

// CountArchived counts archived messages.
func (a *Admin) CountArchived(ctx context.Context, f Filter) (int64, error) {
	return ask(ctx, a.object, readCount, a.rows(a.lib.archiveCount, rows{Filter: f}))
}

// DeleteArchived removes one archived message. Errors: MessageNotFound.
func (a *Admin) DeleteArchived(ctx context.Context, id int64) error {
	return run(ctx, a.object, a.id(a.lib.archiveDelete, id))
}

// PurgeArchive removes the archived messages that the filter selects and that were
// archived longer ago than olderThan, for good; something must be given. Errors:
// InvalidArgument, QueueNotFound.
func (a *Admin) PurgeArchive(ctx context.Context, f Filter, olderThan time.Duration) (int64, error) {
	return ask(ctx, a.object, readCount, a.rows(a.lib.archivePurge, rows{Filter: f, age: olderThan}))
}

// Replay puts a dead letter back into its queue. Errors: MessageNotFound.
func (a *Admin) Replay(ctx context.Context, id int64) error {
	return run(ctx, a.object, a.id(a.lib.archiveReplay, id))
}
