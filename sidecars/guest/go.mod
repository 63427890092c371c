module bot-bottle/guest

go 1.19
