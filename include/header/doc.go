// Package header reads include/pgqrs.h: what it declares, in its order, each with
// the comment that documents it. Whatever is derived from the header, or compared
// with it, starts here.
package header
