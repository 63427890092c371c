// version: which build this is. Answer: {"version","go","os","arch"}.
package main

import "runtime"

// version is set by the build: -ldflags "-X main.version=…".
var version = "unversioned"

func printVersion(args []string) error {
	if _, err := newArguments().words(args, 0, 0); err != nil {
		return err
	}
	return printJSON(map[string]string{"version": version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
}
