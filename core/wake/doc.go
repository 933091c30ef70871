// Package wake lets consumers wait for messages without asking the database all
// the time.
//
// A waiter joins the gate of its queue, claims, and sleeps when it got nothing.
// It is woken by an announcement (of this process at once, of others through the
// engine's Listen), by the instant the next message of the queue falls due, or
// by a poll that grows rarer while nothing happens.
//
// An announcement wakes one waiter. One that finds messages wakes two more when
// it leaves: a burst reaches every waiter after a few rounds, and a single
// message does not make a thousand waiters ask the database.
//
// [Announcer] is the other direction: it tells other processes, after the commit
// and at most once per queue and five milliseconds.
package wake
