/* What the guest's kernel calls itself: uname(2), /proc/version, /proc/sys/kernel. One place. The name of
 * the machine (nodename) is the host's own until sethostname(2). See: uname(2). */
#ifndef PROC_UTSNAME_H
#define PROC_UTSNAME_H

#define UTS_SYSNAME "Linux"
#define UTS_RELEASE "6.18.0" /* the kernel that Vellum models */
#define UTS_VERSION "#1 SMP PREEMPT_DYNAMIC Vellum"
#define UTS_MACHINE "x86_64"
#define UTS_DOMAINNAME "(none)"

#include <sys/utsname.h>

#include "base/types.h"

struct machine;

#define UTS_LEN 64 /* bytes of a name, without its NUL */

/* machine.uts: what sethostname(2) and setdomainname(2) have said. */
struct uts_names {
	char nodename[UTS_LEN + 1], domainname[UTS_LEN + 1];
	bool nodename_set, domainname_set;
};

/* As uname(2) tells it now. */
void machine_uname(const struct machine *m, struct utsname *u);

#endif
