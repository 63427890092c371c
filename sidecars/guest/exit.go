// The exit codes of every subcommand, in this one place, and the error that carries them.
package main

import "fmt"

const (
	exitDone    = 0
	exitNo      = 1   // a question was answered with no
	exitUsage   = 2   // wrong arguments
	exitRefused = 3   // the input or the place breaks a rule
	exitAbsent  = 4   // the other side is not there
	exitBroken  = 5   // the system refused or failed
	exitAttach  = 125 // attach's own failure, or no program runs
)

type failure struct {
	code int
	text string
}

func (f *failure) Error() string { return f.text }

// no ends with exit 1 and nothing on stderr: the answer on stdout says why.
func no() error { return &failure{exitNo, ""} }

func usage(format string, values ...any) error {
	return &failure{exitUsage, fmt.Sprintf(format, values...)}
}

func refused(format string, values ...any) error {
	return &failure{exitRefused, fmt.Sprintf(format, values...)}
}

func absent(format string, values ...any) error {
	return &failure{exitAbsent, fmt.Sprintf(format, values...)}
}

func broken(format string, values ...any) error {
	return &failure{exitBroken, fmt.Sprintf(format, values...)}
}
