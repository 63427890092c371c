// fill DEST: copies this program to DEST/guest, mode 0555, by temporary name and rename. Fills the tools volume that agents mount read-only.
// Answer: {"path","bytes","sha256","changed"}.
package main

import (
	"os"
	"strings"
)

func fill(args []string) error {
	words, err := newArguments().words(args, 1, 1)
	if err != nil {
		return err
	}
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return broken("cannot read this program: %v", err)
	}
	path := strings.TrimRight(words[0], "/") + "/guest"
	result, err := writeFile(path, program, 0o555, false)
	if err != nil {
		return err
	}
	return printJSON(struct {
		Path string `json:"path"`
		written
	}{path, result})
}
