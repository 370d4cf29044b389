/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/init/kernel.h — system calls without a C library. */
#ifndef MB_RUNTIME_INIT_KERNEL_H
#define MB_RUNTIME_INIT_KERNEL_H

#include <asm/unistd.h>

/* The kernel's answer: a value, or a negative errno. */
#if defined(__x86_64__)
static inline long kernel6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
	                 : "=a"(ret)
	                 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	                 : "rcx", "r11", "memory");
	return ret;
}
#define START_CODE           \
	"	xor %ebp, %ebp\n"  \
	"	mov %rsp, %rdi\n"  \
	"	and $-16, %rsp\n"  \
	"	call mybox_init\n" \
	"	hlt\n"
#elif defined(__aarch64__)
static inline long kernel6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
	                 : "+r"(x0)
	                 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
	                 : "memory");
	return x0;
}
#define START_CODE         \
	"	mov x29, #0\n"   \
	"	mov x30, #0\n"   \
	"	mov x0, sp\n"    \
	"	bl mybox_init\n" \
	"	brk #1\n"
#else
#error "mybox runs on x86-64 and aarch64"
#endif

#define KERNEL(nr, ...) KERNEL_(__NR_##nr, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define KERNEL_(nr, a, b, c, d, e, f, ...) \
	kernel6((nr), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#endif
