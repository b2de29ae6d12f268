# Processes, pipes, signals, files, sockets and formats of Perl. Prints the same on each run.
use strict;
use warnings;
use Socket;
use POSIX qw(:sys_wait_h floor strftime);
$| = 1;

my %count;
$count{length}++ for map { join '', reverse split //, "x$_" } 1 .. 3000;
print join(' ', map { "$_=$count{$_}" } sort keys %count), "\n";

my @kids;
for my $n (1 .. 5) {
	my $pid = open(my $from, '-|') // die "fork: $!";
	if (!$pid) { print "child $n of five\n" x $n; exit $n }
	push @kids, [$pid, $from];
}
for (@kids) {
	my ($pid, $from) = @$_;
	my @lines = <$from>;
	close $from;
	print scalar(@lines), ' ', $lines[0], $? >> 8, "\n";
}

my $alarms = 0;
local $SIG{ALRM} = sub { $alarms++ };
kill ALRM => $$ for 1 .. 3;
my $slept = select undef, undef, undef, 0.01;
print "alarms $alarms\n";
eval { local $SIG{ALRM} = sub { die "late\n" }; alarm 1; pause() while 1; };
print "eval $@";
sub pause { select undef, undef, undef, 5 }

socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die $!;
if (!(my $pid = fork)) { close $a; while (<$b>) { syswrite $b, uc } exit 0 }
close $b;
syswrite $a, "line $_\n" for 1 .. 3;
shutdown $a, 1;
print while <$a>;
wait;

open my $f, '+>', 'many.txt' or die $!;
print $f "$_\n" for 1 .. 1000;
seek $f, 100, 0;
print scalar <$f>, -s 'many.txt', ' ', tell $f, "\n";
flock $f, 2 or die $!;
truncate $f, 50 or die $!;
close $f;
rename 'many.txt', 'few.txt' or die $!;
print -s 'few.txt', ' ', join(',', glob '*.txt'), "\n";
unlink 'few.txt';
print `echo from a shell; exit 4`, $? >> 8, "\n";
print strftime('%Y-%m-%d', gmtime 1700000000), sprintf(' %.10f %s %b', atan2(1, 1) * 4, 2**70, 10), "\n";
my $text = "the quick brown fox " x 200;
my $n = () = $text =~ /\b(\w)\w*\1/g;
print "$n ", ($text =~ s/(\w+)/\u$1/gr) =~ tr/A-Z//, "\n";
