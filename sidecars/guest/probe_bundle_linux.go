// probe bundle [--uplink DIR] [--pid N …]: in the bundle container, once per uid of interest. The three shared files are empty, nothing has an abstract name,
// the uplink cannot be written, no daemon's memory can be opened by this uid; and what each daemon holds, for the caller to compare.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

type daemonStatus struct {
	Pid        int      `json:"pid"`
	Name       string   `json:"name"`
	Uid        []string `json:"uid"`
	Gid        []string `json:"gid"`
	CapInh     string   `json:"cap_inh"`
	CapPrm     string   `json:"cap_prm"`
	CapEff     string   `json:"cap_eff"`
	CapBnd     string   `json:"cap_bnd"`
	CapAmb     string   `json:"cap_amb"`
	NoNewPrivs string   `json:"no_new_privs"`
	Seccomp    string   `json:"seccomp"`
	Groups     []string `json:"groups"`
}

func probeBundle(args []string) (report, error) {
	flags := newArguments()
	uplink := flags.String("uplink", "", "folder of the uplink's socket")
	var pids repeated
	flags.Var(&pids, "pid", "a daemon")
	if _, err := flags.words(args, 0, 0); err != nil {
		return report{}, err
	}
	var told report
	for _, path := range []string{"/etc/hosts", "/etc/resolv.conf", "/etc/hostname"} {
		text, err := os.ReadFile(path)
		told.Checks = append(told.Checks, equals("file:"+path, "read "+path, "0 bytes", fmt.Sprintf("%d bytes", len(text)), err))
	}
	told.Checks = append(told.Checks, abstractSockets())
	if *uplink != "" {
		told.Checks = append(told.Checks, uplinkReadonly(*uplink))
	}
	own, err := os.ReadFile("/proc/self/environ")
	told.Checks = append(told.Checks, equals("own-control", "read /proc/self/environ", "readable", map[bool]string{true: "readable", false: fmt.Sprintf("%d bytes", len(own))}[err == nil], err))
	for _, pid := range pids {
		number, err := strconv.Atoi(pid)
		if err != nil || number < 1 {
			return report{}, usage("not a process id: %s", pid)
		}
		status, err := readStatus(pid)
		if err != nil {
			return report{}, absent("no process %s: %v", pid, err)
		}
		told.Daemons = append(told.Daemons, daemonStatus{number, status["Name"], strings.Fields(status["Uid"]), strings.Fields(status["Gid"]),
			status["CapInh"], status["CapPrm"], status["CapEff"], status["CapBnd"], status["CapAmb"], status["NoNewPrivs"], status["Seccomp"], strings.Fields(status["Groups"])})
		told.Checks = append(told.Checks, closedProcess(pid)...)
	}
	return told, nil
}

// uplinkReadonly: only EROFS counts; a permission would hold for this uid alone.
func uplinkReadonly(folder string) check {
	path := folder + "/" + temporaryName()
	fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL|syscall.O_CLOEXEC, 0o600)
	if err == nil {
		syscall.Close(fd)
		syscall.Unlink(path)
	}
	_, listed := os.ReadDir(folder)
	control := "folder can be listed"
	if listed != nil {
		control = ""
	}
	return check{"uplink-readonly", err == syscall.EROFS, "create a file in " + folder, connectResult(err), control}
}

func closedProcess(pid string) []check {
	var checks []check
	for _, name := range []string{"mem", "environ", "maps", "fd", "root"} {
		path := "/proc/" + pid + "/" + name
		var err error
		switch name {
		case "root":
			_, err = os.Readlink(path)
		case "fd":
			err = readDescriptors(path)
		default:
			var file *os.File
			if file, err = os.Open(path); err == nil {
				// Some kernels judge at the first read. EIO of mem at address 0 came after the judgement.
				_, err = file.Read(make([]byte, 1))
				file.Close()
			}
		}
		result := "opened"
		if err != nil {
			result = err.Error()
		}
		checks = append(checks, check{"closed:" + pid + ":" + name, os.IsPermission(err), "open " + path, result, "own-control"})
	}
	return checks
}

// readDescriptors: uid 0 may list the numbers of a process that is closed to it; what counts is whether one of them leads anywhere.
func readDescriptors(folder string) error {
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		if _, err = os.Readlink(folder + "/" + entry.Name()); err == nil {
			return nil
		}
	}
	return err
}
