module bot-bottle/bench/load

go 1.25
