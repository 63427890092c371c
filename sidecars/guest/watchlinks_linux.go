// watch-links: {"links":[…]} once, then one line for each link besides lo, present at the start or told by the kernel. The bundle's tripwire.
// Ends by SIGTERM; 5 when the kernel's messages cannot be read or nobody reads ours: a silent tripwire is none.
package main

import (
	"bytes"
	"syscall"
	"unsafe"
)

const rtmGroupLink = 1

type link struct {
	Link  string `json:"link"`
	Index int32  `json:"index"`
	Event string `json:"event"`
}

func watchLinks(args []string) error {
	if _, err := newArguments().words(args, 0, 0); err != nil {
		return err
	}
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return broken("netlink: %v", err)
	}
	// Subscribed before the first look, so that nothing falls between.
	if err := syscall.Bind(fd, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK, Groups: rtmGroupLink}); err != nil {
		return broken("netlink: %v", err)
	}
	present, err := presentLinks()
	if err != nil {
		return broken("links: %v", err)
	}
	if err := printJSON(map[string][]string{"links": linkNames(present)}); err != nil {
		return err
	}
	if err := printLinks(present, "present"); err != nil {
		return err
	}
	buffer := make([]byte, 64<<10)
	for {
		n, from, err := syscall.Recvfrom(fd, buffer, 0)
		if err == syscall.EINTR {
			continue
		}
		if err == syscall.ENOBUFS {
			// Messages were lost: look again.
			if present, err = presentLinks(); err == nil {
				err = printLinks(present, "present")
			}
			if err != nil {
				return broken("links: %v", err)
			}
			continue
		}
		if err != nil {
			return broken("netlink: %v", err)
		}
		if sender, ok := from.(*syscall.SockaddrNetlink); !ok || sender.Pid != 0 {
			continue
		}
		messages, err := syscall.ParseNetlinkMessage(buffer[:n])
		if err != nil {
			return broken("netlink: %v", err)
		}
		for _, message := range messages {
			event := map[uint16]string{syscall.RTM_NEWLINK: "new", syscall.RTM_DELLINK: "gone"}[message.Header.Type]
			if one, ok := readLinkMessage(message); ok && event != "" {
				if err := printLinks([]link{one}, event); err != nil {
					return err
				}
			}
		}
	}
}

func printLinks(links []link, event string) error {
	for _, one := range links {
		if one.Link == "lo" {
			continue
		}
		one.Event = event
		if err := printJSON(one); err != nil {
			return err
		}
	}
	return nil
}

func linkNames(links []link) []string {
	names := []string{}
	for _, one := range links {
		names = append(names, one.Link)
	}
	return names
}

func presentLinks() ([]link, error) {
	messages, err := netlinkDump(syscall.RTM_GETLINK)
	var links []link
	for _, message := range messages {
		if one, ok := readLinkMessage(message); ok {
			links = append(links, one)
		}
	}
	return links, err
}

func netlinkDump(kind int) ([]syscall.NetlinkMessage, error) {
	text, err := syscall.NetlinkRIB(kind, syscall.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	return syscall.ParseNetlinkMessage(text)
}

func readLinkMessage(message syscall.NetlinkMessage) (one link, ok bool) {
	if message.Header.Type != syscall.RTM_NEWLINK && message.Header.Type != syscall.RTM_DELLINK || len(message.Data) < syscall.SizeofIfInfomsg {
		return one, false
	}
	one.Index = (*syscall.IfInfomsg)(unsafe.Pointer(&message.Data[0])).Index
	attributes, err := syscall.ParseNetlinkRouteAttr(&message)
	if err != nil {
		return one, false
	}
	for _, attribute := range attributes {
		if attribute.Attr.Type == syscall.IFLA_IFNAME {
			one.Link = string(bytes.TrimRight(attribute.Value, "\x00"))
		}
	}
	return one, true
}
