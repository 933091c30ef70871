// Package tworuntimes tries what is hazardous about two Go runtimes in one process:
// collections of the one beside calls into the other, preemption by SIGURG, threads
// and descriptors. Every test runs in a process of its own with a time limit, since
// what it guards against is a hang. PGQRS_TWORUNTIMES=full makes the stress long.
package tworuntimes
