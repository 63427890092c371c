package main

var commands = map[string]func([]string) error{
	"adopt":       adopt,
	"attach":      attach,
	"call":        call,
	"fill":        fill,
	"forward":     forward,
	"get":         get,
	"init":        initialise,
	"list":        list,
	"peer":        peer,
	"probe":       probe,
	"put":         put,
	"relay":       relay,
	"remove":      remove,
	"stat":        stat,
	"trust":       trust,
	"version":     printVersion,
	"watch-links": watchLinks,
	"write":       write,
}
