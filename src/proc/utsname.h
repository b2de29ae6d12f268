/* What the guest's kernel calls itself: uname(2), /proc/version, /proc/sys/kernel. One place. The name of
 * the host (nodename) is the host's own. See: uname(2). */
#ifndef PROC_UTSNAME_H
#define PROC_UTSNAME_H

#define UTS_SYSNAME "Linux"
#define UTS_RELEASE "6.18.0" /* the kernel that Vellum models */
#define UTS_VERSION "#1 SMP PREEMPT_DYNAMIC Vellum"
#define UTS_MACHINE "x86_64"
#define UTS_DOMAINNAME "(none)"

#endif
