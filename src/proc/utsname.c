/* What uname(2) and /proc/sys/kernel say. See utsname.h. */
#include "proc/utsname.h"

#include <string.h>

#include "base/host_proc.h"
#include "proc/machine.h"

void machine_uname(const struct machine *m, struct utsname *u)
{
	struct utsname host;

	memset(u, 0, sizeof(*u));
	if (host_uname(&host))
		strcpy(host.nodename, "(none)");
	strcpy(u->sysname, UTS_SYSNAME);
	strcpy(u->release, UTS_RELEASE);
	strcpy(u->version, UTS_VERSION);
	strcpy(u->machine, UTS_MACHINE);
	memcpy(u->nodename, m->uts.nodename_set ? m->uts.nodename : host.nodename,
	       sizeof(u->nodename));
	strcpy(u->domainname, m->uts.domainname_set ? m->uts.domainname : UTS_DOMAINNAME);
}
