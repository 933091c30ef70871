// Package abi tests the contract of include/pgqrs.h as a binding sees it: the
// layout of its structs, the symbols of the library, the language standards it
// compiles under, and that its examples do what they say.
package abi
