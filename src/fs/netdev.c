/* ioctls of network devices. See netdev.h. */
#include "fs/netdev.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/err.h"
#include "base/host_fs.h"
#include "fs/host_sock.h"
#include "mm/uaccess.h"

#define IFCONF_MAX 65536U /* bytes of a list of devices */

/* A struct ifreq each, which the host reads and writes. None has an address in it, as SIOCGIFBR has. */
static const u32 asked[] = {
	SIOCGIFNAME,   SIOCGIFFLAGS, SIOCGIFADDR,  SIOCGIFDSTADDR, SIOCGIFBRDADDR, SIOCGIFNETMASK,
	SIOCGIFMETRIC, SIOCGIFMEM,   SIOCGIFMTU,   SIOCGIFHWADDR,  SIOCGIFINDEX,   SIOCGIFPFLAGS,
	SIOCGIFTXQLEN, SIOCGIFMAP,   SIOCGIFSLAVE, SIOCGIFENCAP,   SIOCGIFCOUNT,
};

/* Those that change a device, a route, an ARP entry. */
static const u32 changing[] = {
	SIOCADDRT,	SIOCDELRT,	SIOCSIFFLAGS,  SIOCSIFADDR,  SIOCSIFDSTADDR,
	SIOCSIFBRDADDR, SIOCSIFNETMASK, SIOCSIFMETRIC, SIOCSIFMEM,   SIOCSIFMTU,
	SIOCSIFNAME,	SIOCSIFHWADDR,	SIOCSIFENCAP,  SIOCSIFSLAVE, SIOCADDMULTI,
	SIOCDELMULTI,	SIOCSIFPFLAGS,	SIOCSIFTXQLEN, SIOCSIFMAP,   SIOCSIFHWBROADCAST,
	SIOCDARP,	SIOCSARP,	SIOCDIFADDR,   SIOCSIFBR,
};

static bool among(const u32 *list, u32 n, u32 cmd)
{
	while (n--)
		if (list[n] == cmd)
			return true;
	return false;
}

static long ask(int fd, u32 cmd, u64 arg, struct mm_struct *mm)
{
	struct ifreq ifr;
	long ret;

	if (copy_from_user(mm, &ifr, arg, sizeof(ifr)))
		return -EFAULT;
	ifr.ifr_name[IFNAMSIZ - 1] = '\0';
	ret = host_ioctl(fd, cmd, &ifr);
	return ret >= 0 && copy_to_user(mm, arg, &ifr, sizeof(ifr)) ? -EFAULT : ret;
}

/* The list of devices with addresses; without a buffer: how long it is. */
static long list(struct vfs *v, int fd, u64 arg, struct mm_struct *mm)
{
	struct ifconf ifc;
	gva_t ubuf;
	void *buf = NULL;
	long ret;

	if (copy_from_user(mm, &ifc, arg, sizeof(ifc)))
		return -EFAULT;
	ubuf = (gva_t)ifc.ifc_buf;
	if (ubuf) {
		if (ifc.ifc_len < 0)
			return -EINVAL;
		ifc.ifc_len = min(ifc.ifc_len, (int)IFCONF_MAX);
		buf = kmalloc(v->mem, max(ifc.ifc_len, 1), GFP_KERNEL);
		if (!buf)
			return -ENOMEM;
	}
	ifc.ifc_buf = buf;
	ret = host_ioctl(fd, SIOCGIFCONF, &ifc);
	if (ret >= 0 && buf && ifc.ifc_len && copy_to_user(mm, ubuf, buf, ifc.ifc_len))
		ret = -EFAULT;
	kfree(v->mem, buf);
	ifc.ifc_buf = (char *)ubuf;
	return ret >= 0 && copy_to_user(mm, arg, &ifc, sizeof(ifc)) ? -EFAULT : ret;
}

long netdev_ioctl(struct vfs *v, int fd, u32 cmd, u64 arg, struct mm_struct *mm)
{
	bool asks = cmd == SIOCGIFCONF || among(asked, ARRAY_SIZE(asked), cmd);
	int own = -1;
	long ret;

	if (!asks)
		return among(changing, ARRAY_SIZE(changing), cmd) ? -EPERM : -ENOTTY;
	if (v->no_network)
		return -ENODEV;
	if (fd < 0) {
		own = fd = host_sock_open(v, AF_UNIX, SOCK_DGRAM, 0);
		if (fd < 0)
			return fd;
	}
	ret = cmd == SIOCGIFCONF ? list(v, fd, arg, mm) : ask(fd, cmd, arg, mm);
	if (own >= 0)
		host_close(own);
	return ret;
}
