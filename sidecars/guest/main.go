// bb-guest: what neither Node nor an arbitrary image can do inside a bottle, one subcommand per file. README.md holds the contract of each.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
)

func main() {
	if len(os.Args) < 2 {
		exit("", usage("which subcommand? one of: %s", strings.Join(names(), " ")))
	}
	name := os.Args[1]
	command, known := commands[name]
	if !known {
		exit(name, usage("no such subcommand; one of: %s", strings.Join(names(), " ")))
	}
	exit(name, command(os.Args[2:]))
}

func names() []string {
	list := make([]string, 0, len(commands))
	for name := range commands {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

// printJSON writes one document and a newline to stdout.
func printJSON(value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return broken("answer cannot be written as JSON: %v", err)
	}
	if _, err := os.Stdout.Write(append(text, '\n')); err != nil {
		return broken("stdout: %v", err)
	}
	return nil
}

func exit(name string, err error) {
	if err == nil {
		os.Exit(exitDone)
	}
	failed, ok := err.(*failure)
	if !ok {
		failed = &failure{exitBroken, err.Error()}
	}
	if failed.text != "" {
		fmt.Fprintln(os.Stderr, strings.TrimRight("bb-guest "+name, " ")+": "+strings.ReplaceAll(failed.text, "\n", " "))
	}
	os.Exit(failed.code)
}
