// Package config turns a DSN, the environment and a file into one [Config].
//
// Every property is one field of Config and one row of the table in
// properties.go. The names of environment variables, DSN parameters, file keys
// and options of the C and Python interfaces all derive from that row, and so
// do parsing, ranges, defaults and the documentation that [Properties] feeds.
//
// [Load] applies the layers, weakest first: default, file, environment, DSN
// parameter, explicit override. A value that cannot be read is an error that
// names its source; nothing falls back to a default silently.
//
// [Parse] understands the DSNs of both engines and takes the pgqrs_ parameters
// out before a driver sees them. [Redact] hides passwords. No error of this
// package quotes a DSN: parsers that quote their input are not used.
package config
