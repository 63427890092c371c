module bot-bottle/bench/interceptor

go 1.25

require github.com/elazarl/goproxy v1.8.2

require (
	golang.org/x/net v0.43.0 // indirect
	golang.org/x/text v0.28.0 // indirect
)
