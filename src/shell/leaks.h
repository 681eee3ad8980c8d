/* The check for lost memory at the end of a process, in a program built with the leak sanitizer; nothing in others. */
#ifndef KEYSTEAD_SHELL_LEAKS_H
#define KEYSTEAD_SHELL_LEAKS_H

/* Where a process leaves by _exit, which skips what the sanitizer does at exit. Does not return if memory is lost. */
void leaks_check(void);

#endif
