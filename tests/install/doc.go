// Package install tries what `make install` puts down: a program that knows of
// nothing but pkg-config compiles and runs against it.
package install
