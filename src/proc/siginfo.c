/* What a siginfo_t holds, by signal and si_code. See signal.h; siginfo_layout(), kernel/signal.c. */
#include "base/types.h"
#include "proc/signal.h"

#define SI_DETHREAD_K -7 /* the least of the codes below 0 */
#define NSIGPOLL_K 6	 /* POLL_IN .. POLL_HUP, which SIGIO's stand-ins may have, too */

/* Signals with codes of their own: how many, and what such a siginfo holds. */
static const struct {
	u8 limit, layout;
} sig_sicodes[NR_SIGNALS + 1] = {
	[SIGILL] = {11, SIL_FAULT}, [SIGFPE] = {15, SIL_FAULT}, [SIGSEGV] = {10, SIL_FAULT},
	[SIGBUS] = {5, SIL_FAULT},  [SIGTRAP] = {6, SIL_FAULT}, [SIGCHLD] = {6, SIL_CHLD},
	[SIGPOLL] = {6, SIL_POLL},  [SIGSYS] = {2, SIL_SYS},
};

enum siginfo_layout siginfo_layout(int sig, int code)
{
	if (code > SI_USER && code < SI_KERNEL) {
		if (sig == SIGBUS && (code == BUS_MCEERR_AR || code == BUS_MCEERR_AO))
			return SIL_FAULT_MCEERR;
		if (sig > 0 && sig <= NR_SIGNALS && code <= sig_sicodes[sig].limit)
			return sig_sicodes[sig].layout;
		return code <= NSIGPOLL_K ? SIL_POLL : SIL_KILL;
	}
	if (code == SI_TIMER)
		return SIL_TIMER;
	if (code == SI_SIGIO)
		return SIL_POLL;
	return code < 0 ? SIL_RT : SIL_KILL;
}

bool siginfo_layout_known(int sig, int code)
{
	u8 limit = sig > 0 && sig <= NR_SIGNALS ? sig_sicodes[sig].limit : 0;

	if (code == SI_KERNEL || code == SI_ASYNCNL)
		return true;
	if (code <= 0)
		return code >= SI_DETHREAD_K;
	return code <= (limit ? limit : NSIGPOLL_K);
}
