// Package abitest builds what tests of the C ABI need: the shared library, C
// programs against it, and the list of what pgqrs.h declares. Test-only.
package abitest
