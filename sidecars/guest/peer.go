// peer [FD]: who is at the other end of the Unix socket FD (default 0). Answer: {"pid","uid","gid"}; 5 when FD is no such socket.
package main

import "strconv"

type peerIdentity struct {
	Pid int    `json:"pid"`
	Uid uint32 `json:"uid"`
	Gid uint32 `json:"gid"`
}

func peer(args []string) error {
	words, err := newArguments().words(args, 0, 1)
	if err != nil {
		return err
	}
	fd := 0
	if len(words) == 1 {
		if fd, err = strconv.Atoi(words[0]); err != nil || fd < 0 {
			return usage("not a file descriptor: %s", words[0])
		}
	}
	identity, err := peerOf(fd)
	if err != nil {
		return broken("no peer of descriptor %d: %v", fd, err)
	}
	return printJSON(identity)
}
