// Package cmem lays results out in C memory.
//
// Everything C can see is allocated with malloc, one block a result: records
// first, then the bytes they point to, each text followed by a NUL. The Go heap
// moves and collects; a block stays where it is until Free.
package cmem
