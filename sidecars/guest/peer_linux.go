package main

import "syscall"

func peerOf(fd int) (peerIdentity, error) {
	credentials, err := syscall.GetsockoptUcred(fd, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	if err != nil {
		return peerIdentity{}, err
	}
	// A socket that is not a connected Unix socket answers pid 0 and uid -1 instead of an error.
	if credentials.Uid == ^uint32(0) {
		return peerIdentity{}, syscall.ENOTCONN
	}
	return peerIdentity{int(credentials.Pid), credentials.Uid, credentials.Gid}, nil
}
