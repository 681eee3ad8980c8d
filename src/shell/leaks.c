#include "shell/leaks.h"

#include <stddef.h>
#include <sys/prctl.h>

/* Of the sanitizer's library; NULL in a program that is built without it. */
extern void __lsan_do_leak_check(void) __attribute__((weak));

void leaks_check(void)
{
    if (__lsan_do_leak_check != NULL) {
        (void)prctl(PR_SET_DUMPABLE, 1); /* it looks into the process by ptrace, which hardening forbids */
        __lsan_do_leak_check();
    }
}
