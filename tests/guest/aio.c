/* Asynchronous I/O of the kernel's: io_setup(2), io_submit(2), io_getevents(2), io_pgetevents(2), io_cancel(2),
 * io_destroy(2), and the ring that a program may read itself. */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "report.h"

#define BAD ((void *)8)

static aio_context_t ctx;
static char buf[10000];

static long setup(unsigned nr, aio_context_t *c)
{
	return syscall(SYS_io_setup, nr, c);
}

static long submit(struct iocb *cb)
{
	return syscall(SYS_io_submit, ctx, 1, &cb);
}

static struct iocb request(int op, int fd, void *data, size_t n, long off)
{
	return (struct iocb){.aio_lio_opcode = op,
			     .aio_fildes = fd,
			     .aio_buf = (unsigned long)data,
			     .aio_nbytes = n,
			     .aio_offset = off,
			     .aio_data = 0x1234 + op};
}

/* Up to @nr events that are there. */
static void events(int nr)
{
	struct timespec none = {0, 0};
	struct io_event ev[8];
	long n = syscall(SYS_io_getevents, ctx, 0, nr, ev, &none);

	printf("events: %ld", n);
	for (long i = 0; i < n; i++)
		printf(", %llx: %lld %lld", ev[i].data, ev[i].res, ev[i].res2);
	putchar('\n');
}

static void contexts(void)
{
	aio_context_t c = 0, used = 1;

	SHOW(setup(1, BAD));
	SHOW(setup(0, &c));
	SHOW(setup(1, &used));
	SHOW(setup(0x10000000, &c));
	SHOW(setup(10, &c));
	SHOW(setup(10, &c));
	SHOW(syscall(SYS_io_destroy, c));
	SHOW(syscall(SYS_io_destroy, c));
	SHOW(syscall(SYS_io_destroy, 0));
	SHOW(syscall(SYS_io_destroy, buf));
	SHOW(syscall(SYS_io_getevents, c, 0, 1, buf, NULL));
	SHOW(syscall(SYS_io_submit, c, 0, NULL));
}

/* What is no request, or fails. */
static void refused(int fd, int ro)
{
	struct iocb cb, *list[4], more[3];

	for (int i = 0; i < 3; i++) {
		more[i] = request(IOCB_CMD_PREAD, fd, buf, i + 1, 0);
		list[i] = &more[i];
	}
	more[1].aio_lio_opcode = 99;
	SHOW(syscall(SYS_io_submit, ctx, 3, list));
	events(8);
	more[0].aio_fildes = 99;
	SHOW(syscall(SYS_io_submit, ctx, 3, list));
	list[0] = BAD;
	SHOW(syscall(SYS_io_submit, ctx, 3, list));
	SHOW(syscall(SYS_io_submit, ctx, 3, BAD));
	SHOW(syscall(SYS_io_submit, ctx, -1, list));
	SHOW(syscall(SYS_io_submit, ctx, 0, list));
	cb = request(IOCB_CMD_PWRITE, ro, buf, 1, 0);
	SHOW(submit(&cb));
	cb = request(IOCB_CMD_PREAD, fd, buf, 1, -1);
	SHOW(submit(&cb));
	cb = request(IOCB_CMD_PREAD, fd, buf, -1, 0);
	SHOW(submit(&cb));
	cb = request(IOCB_CMD_PREAD, fd, BAD, 5, 0);
	SHOW(submit(&cb));
	events(8);
	cb = request(IOCB_CMD_PREADV, fd, BAD, 1, 0);
	SHOW(submit(&cb));
	cb = request(IOCB_CMD_FSYNC, fd, buf, 0, 0);
	SHOW(submit(&cb));
	cb = request(IOCB_CMD_PREAD, fd, buf, 5, 0);
	cb.aio_reserved2 = 1;
	SHOW(submit(&cb));
	SHOW(syscall(SYS_io_cancel, ctx, &cb, buf));
	SHOW(syscall(SYS_io_cancel, ctx, BAD, buf));
}

static void requests(void)
{
	struct iovec iov[2] = {{buf, 3}, {buf + 100, 4}};
	int fd = open("aio", O_RDWR | O_CREAT | O_TRUNC, 0600), ro = open("aio", O_RDONLY);
	struct iocb cb;
	struct io_event ev;

	SHOW(setup(8, &ctx));
	strcpy(buf, "some text");
	cb = request(IOCB_CMD_PWRITE, fd, buf, 9, 0);
	cb.aio_key = 77;
	SHOW(submit(&cb));
	printf("key %u\n", cb.aio_key);
	events(8);
	memset(buf, 0, sizeof(buf));
	cb = request(IOCB_CMD_PREAD, fd, buf, 100, 5);
	SHOW(submit(&cb));
	events(8);
	puts(buf);
	cb = request(IOCB_CMD_PREADV, fd, iov, 2, 0);
	SHOW(submit(&cb));
	events(8);
	printf("%.3s %.4s\n", buf, buf + 100);
	cb = request(IOCB_CMD_PWRITEV, fd, iov, 2, 20);
	SHOW(submit(&cb));
	events(1);
	events(8);
	for (int op = IOCB_CMD_FSYNC; op <= IOCB_CMD_FDSYNC; op++) {
		cb = request(op, fd, NULL, 0, 0);
		SHOW(submit(&cb));
		SHOW(syscall(SYS_io_getevents, ctx, 1, 1, &ev, NULL));
		printf("%llx: %lld\n", ev.data, ev.res);
	}
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(lseek(ro, 0, SEEK_CUR));
	refused(fd, ro);
	close(fd);
	close(ro);
}

static void told(void)
{
	int fd = open("aio", O_RDWR), ev = eventfd(0, EFD_NONBLOCK), p[2];
	struct iocb cb = request(IOCB_CMD_PREAD, fd, buf, 4, 0);
	unsigned long count = 0;

	cb.aio_flags = IOCB_FLAG_RESFD;
	cb.aio_resfd = ev;
	SHOW(submit(&cb));
	SHOW(submit(&cb));
	SHOW(read(ev, &count, 8));
	printf("count %lu\n", count);
	cb.aio_resfd = 99;
	SHOW(submit(&cb));
	cb.aio_resfd = fd;
	SHOW(submit(&cb));
	events(8);
	if (pipe(p))
		return;
	cb = request(IOCB_CMD_PWRITE, p[1], "pipe", 4, 0);
	SHOW(submit(&cb));
	cb = request(IOCB_CMD_PREAD, p[0], buf, 10, 0);
	SHOW(submit(&cb));
	events(8);
	printf("%.4s\n", buf);
	close(p[0]);
	close(p[1]);
	close(ev);
	close(fd);
}

struct ring {
	unsigned id, nr, head, tail, magic, compat, incompat, header_length;
	struct io_event events[];
};

/* As libaio does it: without a call. */
static void own_reading(void)
{
	struct ring *r = (struct ring *)ctx;
	int fd = open("aio", O_RDWR);
	struct iocb cb = request(IOCB_CMD_PREAD, fd, buf, 4, 0);

	printf("magic %x compat %x header %u events %d\n", r->magic, r->compat, r->header_length,
	       r->nr >= 8);
	submit(&cb);
	printf("one more %d: %llx %lld\n", (r->tail - r->head + r->nr) % r->nr,
	       r->events[r->head].data, r->events[r->head].res);
	r->head = (r->head + 1) % r->nr;
	events(8);
	for (int i = 0; i < 1000 && submit(&cb) == 1; i++)
		;
	show("full", submit(&cb));
	r->head = r->tail;
	SHOW(submit(&cb));
	events(8);
	close(fd);
}

static void *submits(void *arg)
{
	int fd = open("aio", O_RDWR);
	struct iocb cb = request(IOCB_CMD_PREAD, fd, buf, 4, 0);

	usleep(30000);
	submit(&cb);
	close(fd);
	return arg;
}

static void waiting(void)
{
	struct timespec some = {0, 20000000}, none = {0, 0};
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct itimerspec soon = {.it_value = {0, 30000000}};
	struct sigevent sev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct io_event ev[4];
	struct {
		sigset_t *set;
		size_t size;
	} mask = {NULL, 8};
	sigset_t set;
	timer_t timer;
	pthread_t th;

	SHOW(syscall(SYS_io_getevents, ctx, 1, 1, ev, &none));
	SHOW(syscall(SYS_io_getevents, ctx, 1, 4, ev, &some));
	SHOW(syscall(SYS_io_getevents, ctx, 2, 1, ev, &some));
	SHOW(syscall(SYS_io_getevents, ctx, -1, 1, ev, &some));
	SHOW(syscall(SYS_io_getevents, ctx, 1, 1, ev, BAD));
	SHOW(syscall(SYS_io_pgetevents, ctx, 1, 1, ev, &none, NULL));
	SHOW(syscall(SYS_io_pgetevents, ctx, 1, 1, ev, &none, BAD));
	mask.set = &set;
	mask.size = 4;
	SHOW(syscall(SYS_io_pgetevents, ctx, 1, 1, ev, &none, &mask));
	pthread_create(&th, NULL, submits, NULL);
	SHOW(syscall(SYS_io_getevents, ctx, 1, 4, ev, NULL));
	pthread_join(th, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&set);
	mask.size = 8;
	timer_create(CLOCK_MONOTONIC, &sev, &timer);
	timer_settime(timer, 0, &soon, NULL);
	SHOW(syscall(SYS_io_pgetevents, ctx, 1, 1, ev, NULL, &mask));
	sigprocmask(SIG_SETMASK, &set, NULL);
	timer_settime(timer, 0, &soon, NULL);
	SHOW(syscall(SYS_io_getevents, ctx, 1, 1, ev, NULL));
}

static void *waits_for_one(void *arg)
{
	struct io_event ev;

	return (void *)(syscall(SYS_io_getevents, *(aio_context_t *)arg, 1, 1, &ev, NULL) < 0
				? (long)errno
				: 0L);
}

/* Who waits when its context goes hears that, even if another one takes its place at once. */
static void replaced(void)
{
	aio_context_t old = 0, new = 0, waited;
	void *ret = NULL;
	pthread_t th;

	SHOW(setup(4, &old));
	waited = old;
	pthread_create(&th, NULL, waits_for_one, &waited);
	until_others_asleep();
	SHOW(syscall(SYS_io_destroy, old));
	SHOW(setup(4, &new));
	pthread_join(th, &ret);
	printf("replaced: %ld\n", (long)ret);
	SHOW(syscall(SYS_io_destroy, new));
}

static void children(void)
{
	int status = -1;

	fflush(stdout);
	if (!fork()) {
		SHOW(syscall(SYS_io_getevents, ctx, 0, 1, buf, NULL));
		SHOW(syscall(SYS_io_destroy, ctx));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	printf("child: %x\n", status);
	SHOW(syscall(SYS_io_getevents, ctx, 0, 1, buf, NULL));
	SHOW(syscall(SYS_io_destroy, ctx));
	SHOW(syscall(SYS_io_getevents, ctx, 0, 1, buf, NULL));
	SHOW(msync((void *)ctx, 4096, MS_ASYNC)); /* it is not there any more */
	ctx = 0;
	SHOW(setup(8, &ctx)); /* goes with the program */
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	contexts();
	requests();
	told();
	own_reading();
	waiting();
	replaced();
	children();
	unlink("aio");
	return 0;
}
