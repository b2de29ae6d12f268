/* VM_BUG_ON: a wrong emulator stops here. A wrong guest gets an errno or a signal and
 * never reaches one; a check that release builds need is an `if` with bug(). */
#ifndef BASE_BUG_H
#define BASE_BUG_H

#include "base/types.h"

/* Prints "vellum: bug: what (file:line, func)" to stderr and ends the process: status 125. */
void bug(const char *what, const char *file, int line, const char *func) __noreturn;

#define BUG(what) bug(what, __FILE__, __LINE__, __func__)

#ifdef CONFIG_DEBUG_VM
#define VM_BUG_ON(cond)                                                                            \
	do {                                                                                       \
		if (unlikely(cond))                                                                \
			bug(#cond, __FILE__, __LINE__, __func__);                                  \
	} while (0)
#else
#define VM_BUG_ON(cond) ((void)sizeof(!!(cond)))
#endif

#endif
