#include "textflag.h"

// func attemptInChild(number uintptr, arguments *[6]uintptr) (pid int)
// clone(SIGCHLD); the child makes this one system call and ends with the error number, or 255 when the call succeeded. No Go code runs in the child.
TEXT ·attemptInChild(SB),NOSPLIT,$0-24
	MOVD number+0(FP), R19
	MOVD arguments+8(FP), R20
	MOVD $17, R0
	MOVD $0, R1
	MOVD $0, R2
	MOVD $0, R3
	MOVD $0, R4
	MOVD $220, R8
	SVC
	CBNZ R0, parent
	MOVD 0(R20), R0
	MOVD 8(R20), R1
	MOVD 16(R20), R2
	MOVD 24(R20), R3
	MOVD 32(R20), R4
	MOVD 40(R20), R5
	MOVD R19, R8
	SVC
	CMP $0, R0
	BLT failed
	MOVD $255, R0
	B done
failed:
	NEG R0, R0
done:
	MOVD $94, R8
	SVC
parent:
	MOVD R0, pid+16(FP)
	RET
