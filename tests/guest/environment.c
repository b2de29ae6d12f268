/* environment: arguments, environment, program name, identity and limits as a program sees them. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	struct utsname u;
	char exe[4096];
	long n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	for (int i = 0; i < argc; i++)
		printf("argv[%d] = %s\n", i, argv[i]);
	for (char **e = environ; *e; e++)
		printf("%s\n", *e);
	exe[n < 0 ? 0 : n] = 0;
	uname(&u);
	printf("%s %s %s\n", exe, u.sysname, u.machine);
	printf("pagesize %ld clock %ld secure %ld\n", getauxval(AT_PAGESZ), getauxval(AT_CLKTCK),
	       getauxval(AT_SECURE));
	printf("execfn %s platform %s\n", (char *)getauxval(AT_EXECFN),
	       (char *)getauxval(AT_PLATFORM));
	printf("uid %d %d gid %d %d\n", getuid(), geteuid(), getgid(), getegid());
	printf("stdin a terminal: %d\n", isatty(0));
	return 0;
}
