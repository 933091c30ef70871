// Package ratelimit is a token bucket: a rate, a burst, and an answer when to
// come back. It never waits; callers decide what to do with a refusal.
package ratelimit
