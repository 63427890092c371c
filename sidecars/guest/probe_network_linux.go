// probe network [--canary IP:PORT …] [--door IP:PORT …]: from our image, in the bottle's network namespace. There is only lo, with 127.0.0.1/8 and no route,
// and nothing answers: a canary must be unreachable at once; a time-out, or a refusal by a peer, is a path.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const connectPatience = time.Second

var fixedCanaries = []string{"169.254.169.254:80", "1.1.1.1:443", "[fe80::1]:80", "[2606:4700:4700::1111]:443"}

func probeNetwork(args []string) (report, error) {
	flags := newArguments()
	var canaries, doors repeated
	flags.Var(&canaries, "canary", "must be unreachable")
	flags.Var(&doors, "door", "must accept")
	if _, err := flags.words(args, 0, 0); err != nil {
		return report{}, err
	}
	for _, address := range append(append([]string{}, canaries...), doors...) {
		if _, _, err := parseAddress(address); err != nil {
			return report{}, usage("%v", err)
		}
	}
	checks := []check{linksCheck(), addressesCheck()}
	_, err := os.Stat("/proc/net/if_inet6")
	checks = append(checks, loopback6(err == nil), routesCheck("routes-v4", syscall.AF_INET), routesCheck("routes-v6", syscall.AF_INET6))
	for _, sysctl := range []struct{ id, path, want string }{
		{"sysctl-unprivileged-port", "/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024"},
		{"sysctl-ipv6-all", "/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"},
		{"sysctl-ipv6-default", "/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"},
		{"sysctl-ping-group", "/proc/sys/net/ipv4/ping_group_range", "1 0"},
	} {
		value, err := readLine(sysctl.path)
		if os.IsNotExist(err) && strings.Contains(sysctl.path, "ipv6") {
			value, err = sysctl.want, nil
		}
		checks = append(checks, equals(sysctl.id, "read "+sysctl.path, sysctl.want, strings.Join(strings.Fields(value), " "), err))
	}
	checks = append(checks, abstractSockets(), loopbackControl())
	return report{Checks: append(checks, connects(append(append([]string{}, fixedCanaries...), canaries...), doors)...)}, nil
}

// connects tries all at once, so that several silent canaries cost one time-out.
func connects(canaries, doors []string) []check {
	results := make([]check, len(canaries)+1+len(doors))
	var group sync.WaitGroup
	run := func(i int, one func() check) {
		group.Add(1)
		go func() {
			defer group.Done()
			results[i] = one()
		}()
	}
	for i := range canaries {
		address := canaries[i]
		run(i, func() check { return unreachable("connect:"+address, address, syscall.SOCK_STREAM) })
	}
	run(len(canaries), func() check { return unreachable("udp:1.1.1.1:53", "1.1.1.1:53", syscall.SOCK_DGRAM) })
	for i := range doors {
		address := doors[i]
		run(len(canaries)+1+i, func() check {
			err := tryConnect(address, syscall.SOCK_STREAM)
			return equals("door:"+address, "connect to "+address, "accepted", connectResult(err), nil)
		})
	}
	group.Wait()
	return results
}

func unreachable(id, address string, kind int) check {
	err := tryConnect(address, kind)
	ok := false
	switch err {
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, syscall.EPERM, syscall.EACCES, syscall.EINVAL, syscall.ENETDOWN:
		ok = true
	}
	return check{id, ok, "connect to " + address, connectResult(err), "loopback-control"}
}

func connectResult(err error) string {
	if err == nil {
		return "accepted"
	}
	return err.Error()
}

func tryConnect(address string, kind int) error {
	family, place, err := parseAddress(address)
	if err != nil {
		return err
	}
	fd, err := syscall.Socket(family, kind|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if err = syscall.Connect(fd, place); err == nil && kind == syscall.SOCK_DGRAM {
		_, err = syscall.Write(fd, []byte("bot-bottle probe"))
	}
	if err != syscall.EINPROGRESS {
		return err
	}
	for until := time.Now().Add(connectPatience); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if writable(fd) {
			if number, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ERROR); err != nil || number != 0 {
				if err == nil {
					err = syscall.Errno(number)
				}
				return err
			}
			return nil
		}
	}
	return syscall.ETIMEDOUT
}

func writable(fd int) bool {
	entry := struct {
		fd              int32
		events, revents int16
	}{int32(fd), 4, 0} // POLLOUT
	now := syscall.Timespec{}
	n, _, _ := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&entry)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0)
	return n == 1
}

// parseAddress knows IPv4:PORT and [IPv6]:PORT; there are no names here.
func parseAddress(address string) (family int, place syscall.Sockaddr, err error) {
	if !strings.HasPrefix(address, "[") {
		ip, port, err := parseIPv4Port(address)
		return syscall.AF_INET, &syscall.SockaddrInet4{Port: port, Addr: ip}, err
	}
	end := strings.Index(address, "]:")
	wrong := fmt.Errorf("not [IPv6]:PORT: %s", address)
	if end < 0 {
		return 0, nil, wrong
	}
	port, err := strconv.Atoi(address[end+2:])
	ip, ok := parseIPv6(address[1:end])
	if err != nil || port < 0 || port > 65535 || !ok {
		return 0, nil, wrong
	}
	return syscall.AF_INET6, &syscall.SockaddrInet6{Port: port, Addr: ip}, nil
}

func parseIPv6(text string) (ip [16]byte, ok bool) {
	halves := strings.Split(text, "::")
	if len(halves) > 2 {
		return ip, false
	}
	var groups [2][]uint16
	for i, half := range halves {
		if half == "" {
			continue
		}
		for _, part := range strings.Split(half, ":") {
			value, err := strconv.ParseUint(part, 16, 16)
			if err != nil || len(part) > 4 {
				return ip, false
			}
			groups[i] = append(groups[i], uint16(value))
		}
	}
	count := len(groups[0]) + len(groups[1])
	if count > 8 || len(halves) == 1 && count != 8 || len(halves) == 2 && count == 8 {
		return ip, false
	}
	for i, value := range groups[0] {
		ip[2*i], ip[2*i+1] = byte(value>>8), byte(value)
	}
	for i, value := range groups[1] {
		at := 16 - 2*len(groups[1]) + 2*i
		ip[at], ip[at+1] = byte(value>>8), byte(value)
	}
	return ip, true
}

func linksCheck() check {
	present, err := presentLinks()
	return equals("links", "netlink RTM_GETLINK", "[lo]", fmt.Sprint(linkNames(present)), err)
}

func addressesCheck() check {
	messages, err := netlinkDump(syscall.RTM_GETADDR)
	found := []string{}
	for i := range messages {
		message := messages[i]
		if message.Header.Type != syscall.RTM_NEWADDR || len(message.Data) < syscall.SizeofIfAddrmsg {
			continue
		}
		head := (*syscall.IfAddrmsg)(unsafe.Pointer(&message.Data[0]))
		attributes, failure := syscall.ParseNetlinkRouteAttr(&message)
		if failure != nil {
			err = failure
			continue
		}
		for _, attribute := range attributes {
			if attribute.Attr.Type == syscall.IFA_ADDRESS {
				text := fmt.Sprintf("%x", attribute.Value)
				if head.Family == syscall.AF_INET && len(attribute.Value) == 4 {
					text = fmt.Sprintf("%d.%d.%d.%d", attribute.Value[0], attribute.Value[1], attribute.Value[2], attribute.Value[3])
				}
				found = append(found, fmt.Sprintf("%s/%d", text, head.Prefixlen))
			}
		}
	}
	return equals("addresses", "netlink RTM_GETADDR", "[127.0.0.1/8]", fmt.Sprint(found), err)
}

func loopback6(kernelHasIt bool) check {
	const attempt = "bind [::1]:0"
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet6{Addr: [16]byte{15: 1}})
		syscall.Close(fd)
	}
	ok := err == syscall.EADDRNOTAVAIL || err == syscall.EAFNOSUPPORT || !kernelHasIt && err != nil
	return check{"ipv6-loopback", ok, attempt, connectResult(err), "loopback-control"}
}

// routesCheck: no route but those of table local, which the kernel keeps for lo itself.
func routesCheck(id string, family uint8) check {
	const tableLocal = 255
	messages, err := netlinkDump(syscall.RTM_GETROUTE)
	outside := 0
	for _, message := range messages {
		if message.Header.Type != syscall.RTM_NEWROUTE || len(message.Data) < syscall.SizeofRtMsg {
			continue
		}
		route := (*syscall.RtMsg)(unsafe.Pointer(&message.Data[0]))
		if route.Family == family && route.Table != tableLocal {
			outside++
		}
	}
	return equals(id, "netlink RTM_GETROUTE, tables but local", "0", strconv.Itoa(outside), err)
}

// loopbackControl proves that connecting works here at all.
func loopbackControl() check {
	const attempt = "listen on 127.0.0.1:0 and connect"
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return check{"loopback-control", false, attempt, err.Error(), ""}
	}
	defer syscall.Close(fd)
	if err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err == nil {
		err = syscall.Listen(fd, 1)
	}
	if err == nil {
		var place syscall.Sockaddr
		if place, err = syscall.Getsockname(fd); err == nil {
			err = tryConnect(fmt.Sprintf("127.0.0.1:%d", place.(*syscall.SockaddrInet4).Port), syscall.SOCK_STREAM)
		}
	}
	return equals("loopback-control", attempt, "accepted", connectResult(err), nil)
}
