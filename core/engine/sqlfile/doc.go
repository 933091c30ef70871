// Package sqlfile reads the files in which the engines keep their SQL.
package sqlfile
