//go:build !linux

package main

var commands = map[string]func([]string) error{
	"peer":    peer,
	"version": printVersion,
}
