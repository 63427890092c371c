/**
 * The system calls of our profiles: the list of engine 29's default profile without what no 64-bit program of a bottle
 * needs, by what they are for. What is not here is refused with EPERM. Generated once from
 * github.com/moby/profiles/seccomp v0.2.3 (Apache-2.0), kept by hand since.
 *
 * Left out on purpose, though the engine allows it: `socketcall` and everything that exists only for 32-bit programs
 * (no 32-bit ABI, topology-attack S4, S6), `name_to_handle_at` and `fanotify_mark` (halves of known escapes),
 * `adjtimex` `clock_adjtime` (the host's clock), `listmount` `statmount` `uretprobe` `map_shadow_stack` (new, unused),
 * `memfd_secret` (S8), `modify_ldt` (16-bit segments). Never in: io_uring (S5), keyctl, bpf, userfaultfd,
 * perf_event_open, open_by_handle_at, mount and namespace calls (S1, S2).
 */

export const COMMON: Readonly<Record<string, readonly string[]>> = {
  files: `
      access cachestat chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 fallocate
      fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstatfs
      fsync ftruncate futimesat getcwd getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init inotify_init1
      inotify_rm_watch ioctl lchown lgetxattr link linkat listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat mkdir
      mkdirat mknod mknodat newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead
      readlink readlinkat readv removexattr removexattrat rename renameat renameat2 rmdir sendfile setxattr setxattrat splice stat
      statfs statx symlink symlinkat sync sync_file_range syncfs tee truncate unlink unlinkat utime utimensat utimes vmsplice write
      writev
    `
    .trim()
    .split(/\s+/),
  memory: `
      brk madvise membarrier memfd_create mincore mlock mlock2 mlockall mmap mprotect mremap mseal msync munlock munlockall munmap
      pkey_alloc pkey_free pkey_mprotect process_mrelease
    `
    .trim()
    .split(/\s+/),
  'processes, threads, signals': `
      execve execveat exit exit_group fork futex futex_requeue futex_wait futex_waitv futex_wake get_robust_list getcpu getpgid getpgrp
      getpid getppid getsid gettid kill pause pidfd_open pidfd_send_signal restart_syscall rseq rt_sigaction rt_sigpending
      rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max
      sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity
      sched_setattr sched_setparam sched_setscheduler sched_yield set_robust_list set_tid_address setpgid setsid sigaltstack signalfd
      signalfd4 tgkill tkill vfork wait4 waitid
    `
    .trim()
    .split(/\s+/),
  'sockets and polling': `
      accept accept4 bind connect epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 getpeername
      getsockname getsockopt io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit listen poll ppoll pselect6 recv recvfrom
      recvmmsg recvmsg select send sendmmsg sendmsg sendto setsockopt shutdown
    `
    .trim()
    .split(/\s+/),
  time: `
      alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time timer_create timer_delete
      timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times
    `
    .trim()
    .split(/\s+/),
  'identity and limits': `
      capget capset getegid geteuid getgid getgroups getpriority getrandom getresgid getresuid getrlimit getrusage getuid ioprio_get
      ioprio_set prlimit64 setfsgid setfsuid setgid setgroups setpriority setregid setresgid setresuid setreuid setrlimit setuid sysinfo
      umask uname
    `
    .trim()
    .split(/\s+/),
  'System V and POSIX queues': `
      mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop
      shmat shmctl shmdt shmget
    `
    .trim()
    .split(/\s+/),
  'self-restriction': `
      landlock_add_rule landlock_create_ruleset landlock_restrict_self prctl seccomp
    `
    .trim()
    .split(/\s+/),
}

/** For debuggers and sanitisers in the agent's container; a daemon needs none of them. */
export const TRACING: readonly string[] = ['ptrace', 'process_vm_readv', 'process_vm_writev']

/** Calls that exist on one architecture only, by the engine's architecture name. */
export const BY_ARCHITECTURE: Readonly<Record<'amd64' | 'arm64', readonly string[]>> = {
  amd64: ['arch_prctl'],
  arm64: ['sync_file_range2'],
}
