// Package wakefd holds descriptors that say "there is something to do" from one
// thread to another: a loop of the host watches one, a goroutine may sleep on one.
// No data travels through them.
package wakefd
