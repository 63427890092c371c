// Arguments: flags and positional words in any order, "--" ends flags.
package main

import (
	"flag"
	"io"
	"strings"
)

type arguments struct{ *flag.FlagSet }

func newArguments() arguments {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	return arguments{set}
}

// words parses args and returns the positional ones, of which there must be at least min and (when max >= 0) at most max.
func (a arguments) words(args []string, min, max int) ([]string, error) {
	var words []string
	for len(args) > 0 {
		if err := a.Parse(args); err != nil {
			return nil, usage("%v", err)
		}
		rest := a.Args()
		ended := len(rest) < len(args) && args[len(args)-len(rest)-1] == "--"
		if ended {
			words = append(words, rest...)
			break
		}
		if len(rest) == 0 {
			break
		}
		words = append(words, rest[0])
		args = rest[1:]
	}
	if len(words) < min || (max >= 0 && len(words) > max) {
		return nil, usage("wrong number of arguments (%d): %s", len(words), strings.Join(words, " "))
	}
	return words, nil
}

// repeated is a flag that may be given several times.
type repeated []string

func (r *repeated) String() string { return strings.Join(*r, ",") }

func (r *repeated) Set(value string) error {
	*r = append(*r, value)
	return nil
}
