#include "textflag.h"

// func attemptInChild(number uintptr, arguments *[6]uintptr) (pid int)
// fork; the child makes this one system call and ends with the error number, or 255 when the call succeeded. No Go code runs in the child.
TEXT ·attemptInChild(SB),NOSPLIT,$0-24
	MOVQ number+0(FP), R12
	MOVQ arguments+8(FP), R13
	MOVQ $57, AX
	SYSCALL
	TESTQ AX, AX
	JNE parent
	MOVQ 0(R13), DI
	MOVQ 8(R13), SI
	MOVQ 16(R13), DX
	MOVQ 24(R13), R10
	MOVQ 32(R13), R8
	MOVQ 40(R13), R9
	MOVQ R12, AX
	SYSCALL
	MOVQ $255, DI
	TESTQ AX, AX
	JGE done
	NEGQ AX
	MOVQ AX, DI
done:
	MOVQ $231, AX
	SYSCALL
parent:
	MOVQ AX, pid+16(FP)
	RET

// func attemptInt80() (pid int)
// fork; the child calls getpid through the 32-bit entry and ends with 255 when that came back.
TEXT ·attemptInt80(SB),NOSPLIT,$0-8
	MOVQ $57, AX
	SYSCALL
	TESTQ AX, AX
	JNE parent
	MOVL $20, AX
	INT $0x80
	MOVQ $255, DI
	MOVQ $231, AX
	SYSCALL
parent:
	MOVQ AX, pid+0(FP)
	RET
